"""`threadkeep forget` as a person meets it: each command is a process of its own."""

import json
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.test_conversation import THREADKEEP, ask, env, run
from tests.erase.helpers import grep

__all__ = ["env"]
BERGEN = "I live in Bergen."
FINAL = "Forgetting is for good and nobody is here to be asked; add --yes."


def test_a_user_is_forgotten_with_a_receipt_and_only_when_it_is_meant(
    env: dict[str, str], tmp_path: Path
) -> None:
    ask(env, "ada", "trip", "My sister Miriam moved to Lisbon.")
    ask(env, "bob", "trip", BERGEN)
    assert FINAL in run(env, "forget", "--user", "ada", code=2).stderr
    assert "Say whose memory" in run(env, "forget", "--yes", code=2).stderr
    assert "Miriam" in run(env, "threads", "show", "trip", "-u", "ada").stdout
    told = run(env, "forget", "--user", "ada", "--verify", "--yes", "--json").stdout
    receipt = json.loads(told)
    assert receipt["clean"] is True
    assert receipt["found"] == receipt["left"] == []
    assert receipt["removed"]["messages"] == 2
    assert receipt["scanned"]["files"] > 0
    assert receipt["scanned"]["bytes"] > 0
    assert any("provider" in each for each in receipt["not_proven"])
    assert "Miriam" not in told
    assert grep(tmp_path / "home", "Miriam") == []
    assert "Bergen" in run(env, "memory", "list", "-u", "bob").stdout
    for user in ("ada", "nobody"):
        said = run(env, "forget", "-u", user, "--yes", code=2).stderr
        assert said == f"threadkeep: Nothing is kept of user {user!r}.\n"


def test_parts_are_named_by_the_ids_that_lists_show(env: dict[str, str]) -> None:
    ask(env, "ada", "trip", BERGEN)
    ask(env, "ada", "trip", "My dog is called Rufus.")
    ask(env, "ada", "other", "I work at Initech.")
    facts = run(env, "memory", "list", "-u", "ada", "--json").stdout.splitlines()
    (fact,) = [each["id"] for each in map(json.loads, facts) if each.get("object") == "Bergen"]
    said = run(env, "memory", "forget", fact[:12], "-u", "ada", "--yes").stdout
    assert "fact" in said.splitlines()[0]
    assert "(taught it)" in said
    assert "(answers it)" in said
    shown = run(env, "threads", "show", "trip", "-u", "ada", "--json").stdout
    assert "Bergen" not in shown
    message = json.loads(shown.splitlines()[0])["id"]
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
        said = run(env, *command, "-u", "ada", "--yes", code=2).stderr
        assert said.count("\n") == 1
    both = run(env, "forget", "--fact", "a", "--thread", "b", "-u", "ada", "--yes", code=2)
    assert "one of --thread, --message and --fact" in both.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own")
def test_the_chat_and_the_terminal_ask_before_they_forget(env: dict[str, str]) -> None:
    ask(env, "ada", "trip", BERGEN)
    command = [*THREADKEEP, "forget", "-u", "ada", "-t", "trip"]
    with pexpect.spawn(command[0], command[1:], env=env, encoding="utf-8", timeout=60) as child:
        child.expect("thread 'trip' with all that was said in it")
        child.expect("Forget this for good")
        child.sendline("n")
        child.expect("Interrupted")
    assert "Bergen" in run(env, "threads", "show", "trip", "-u", "ada").stdout
    chat = [*THREADKEEP, "chat", "-u", "ada", "-t", "trip"]
    with pexpect.spawn(chat[0], chat[1:], env=env, encoding="utf-8", timeout=60) as child:
        child.expect("> ")
        child.sendline("/forget")
        child.expect("/forget everything all there is")
        child.sendline("/forget thread")
        child.expect("Forget this for good")
        child.sendline("n")
        child.expect("Nothing was forgotten")
        child.sendline("/forget thread")
        child.expect("Forget this for good")
        child.sendline("y")
        child.expect("Removed: .* 2 messages")
        child.sendline("Where do I live?")
        child.expect("I don't know that")
        child.sendline("/quit")
        child.expect(pexpect.EOF)
