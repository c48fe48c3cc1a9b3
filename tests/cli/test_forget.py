"""`threadkeep forget`; each command is a process of its own."""

import json
import sys
from pathlib import Path

import pexpect
import pytest

from tests.backends import THREADKEEP
from tests.cli.commands import ask, run
from tests.erase.helpers import grep

BERGEN = "I live in Bergen."
NEEDS_YES = "Forgetting is for good and nobody is here to be asked; add --yes."


def test_a_user_is_erased_with_a_receipt_after_a_confirmation_only(
    env: dict[str, str], tmp_path: Path
) -> None:
    ask(env, "ada", "trip", "My sister Miriam moved to Lisbon.")
    ask(env, "bob", "trip", BERGEN)
    assert NEEDS_YES in run(env, "forget", "--user", "ada", code=2).stderr
    assert "Say whose memory" in run(env, "forget", "--yes", code=2).stderr
    assert "Miriam" in run(env, "threads", "show", "trip", "-u", "ada").stdout
    output = run(env, "forget", "--user", "ada", "--verify", "--yes", "--json").stdout
    receipt = json.loads(output)
    assert receipt["clean"] is True
    assert receipt["found"] == receipt["left"] == []
    assert receipt["removed"]["messages"] == 2
    assert receipt["scanned"]["files"] > 0
    assert receipt["scanned"]["bytes"] > 0
    assert any("provider" in item for item in receipt["not_proven"])
    assert "Miriam" not in output
    assert grep(tmp_path / "home", "Miriam") == []
    assert "Bergen" in run(env, "memory", "list", "-u", "bob").stdout
    for user in ("ada", "nobody"):
        error = run(env, "forget", "-u", user, "--yes", code=2).stderr
        assert error == f"threadkeep: Nothing is kept of user {user!r}.\n"


def test_parts_are_named_by_the_ids_that_lists_show(env: dict[str, str]) -> None:
    ask(env, "ada", "trip", BERGEN)
    ask(env, "ada", "trip", "My dog is called Rufus.")
    ask(env, "ada", "other", "I work at Initech.")
    facts = run(env, "memory", "list", "-u", "ada", "--json").stdout.splitlines()
    (fact,) = [item["id"] for item in map(json.loads, facts) if item.get("object") == "Bergen"]
    receipt = run(env, "memory", "forget", fact[:12], "-u", "ada", "--yes").stdout
    assert "fact" in receipt.splitlines()[0]
    assert "(taught it)" in receipt
    assert "(answers it)" in receipt
    messages = run(env, "threads", "show", "trip", "-u", "ada", "--json").stdout
    assert "Bergen" not in messages
    message = json.loads(messages.splitlines()[0])["id"]
    run(env, "forget", "--message", message, "-u", "ada", "--yes")
    run(env, "threads", "delete", "other", "-u", "ada", "--yes", "--verify")
    assert run(env, "threads", "list", "-u", "ada").stdout == ""
    assert run(env, "memory", "list", "-u", "ada").stdout == ""
    for command in (
        ["forget", "--message", "zzz"],
        ["forget", "--fact", fact],
        ["memory", "forget", message],
        ["threads", "delete", "other"],
    ):
        error = run(env, *command, "-u", "ada", "--yes", code=2).stderr
        assert error.count("\n") == 1
    both = run(env, "forget", "--fact", "a", "--thread", "b", "-u", "ada", "--yes", code=2)
    assert "one of --thread, --message and --fact" in both.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: needs a POSIX terminal")
def test_the_chat_and_the_terminal_ask_before_they_forget(env: dict[str, str]) -> None:
    ask(env, "ada", "trip", BERGEN)
    command = [*THREADKEEP, "forget", "-u", "ada", "-t", "trip"]
    with pexpect.spawn(command[0], command[1:], env=env, encoding="utf-8", timeout=60) as child:
        child.expect("thread 'trip' with all that was said in it")
        child.expect("Forget this for good")
        child.sendline("y")
        child.expect("Interrupted")
    assert "Bergen" in run(env, "threads", "show", "trip", "-u", "ada").stdout
    chat = [*THREADKEEP, "chat", "-u", "ada", "-t", "trip"]
    with pexpect.spawn(chat[0], chat[1:], env=env, encoding="utf-8", timeout=60) as child:
        child.expect("> ")
        child.sendline("/forget")
        child.expect("/forget everything all there is")
        child.sendline("/forget thread")
        child.expect("Forget this for good")
        child.sendline("y")
        child.expect("Nothing was forgotten")
        child.sendline("/forget thread")
        child.expect("Forget this for good")
        child.sendline("trip")
        child.expect("Removed: .* 2 messages")
        child.sendline("Where do I live?")
        child.expect("I don't know that")
        child.sendline("/quit")
        child.expect(pexpect.EOF)
