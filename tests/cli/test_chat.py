"""The chat: pastes are one message, nothing typed is lost, and erasing asks for a name."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pexpect
import pytest

from tests.backends import THREADKEEP
from tests.cli.commands import ask, run
from threadkeep.testing import Fault, Reply, scripted_server

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="not applicable: needs a POSIX terminal"
)
BLOCK = "Notes:\n/forget everything\nada\n/quit"
REFUSAL = Fault(status=400, body={"error": {"message": "content policy violation"}})


@contextmanager
def chat(env: dict[str, str], *options: str, term: str) -> Iterator[Any]:
    command = [*THREADKEEP, "chat", "-u", "ada", "-t", "trip", *options]
    child_env = env | {"TERM": term}
    with pexpect.spawn(
        command[0], command[1:], env=child_env, encoding="utf-8", timeout=25
    ) as child:
        child.expect("> ")
        yield child


def user_texts(env: dict[str, str]) -> list[str]:
    lines = run(env, "threads", "show", "trip", "-u", "ada").stdout.splitlines()
    return [line.split("user: ", 1)[1] for line in lines if "user: " in line]


def marked(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~\r"


def plain(text: str) -> str:
    return text.replace("\n", "\r") + "\r"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("term", "paste"), [("xterm", marked), ("dumb", plain)])
def test_a_paste_is_one_message_and_its_lines_are_no_commands(
    term: str, paste: Callable[[str], str], line_end: str, env: dict[str, str]
) -> None:
    ask(env, "ada", "trip", "I live in Oslo.")
    with chat(env, term=term) as child:
        child.send(paste(BLOCK.replace("\n", line_end)))
        child.expect("kept that")
        child.expect("> ")
        child.sendline("/quit")
        child.expect(pexpect.EOF)
    assert [" ".join(BLOCK.split())] == user_texts(env)[1:]


def test_erasing_needs_the_name_typed_after_the_question(env: dict[str, str]) -> None:
    ask(env, "ada", "trip", "I live in Oslo.")
    with chat(env, term="xterm") as child:
        for answer in ("yes\r", marked("trip"), "trip\rtrip\r", "\r"):
            child.sendline("/forget thread")
            child.expect("Type 'trip'")
            child.send(answer)
            child.expect("Nothing was forgotten")
            child.expect("> ")
        child.sendline("/forget thread")
        child.expect("Type 'trip'")
        child.sendline("trip")
        child.expect("Removed")


def test_piped_lines_behind_a_failed_one_are_sent_and_the_failed_one_is_named(
    env: dict[str, str],
) -> None:
    async def talk() -> tuple[str, list[str]]:
        async with scripted_server() as model:
            model.answer = lambda request: (
                REFUSAL if "POISON" in str(request["messages"]) else Reply("Blue.")
            )
            env.update(OPENAI_BASE_URL=model.base_url, OPENAI_API_KEY="none")
            env["THREADKEEP_MODEL"] = "scripted"
            lines = b"Hello.\nThis is POISON.\nI own a bike.\n"
            process = await asyncio.to_thread(
                run, env, "chat", "-u", "ada", "-t", "trip", text=lines, code=4
            )
            return process.stderr, await asyncio.to_thread(user_texts, env)

    errors, texts = asyncio.run(talk())
    assert texts == ["Hello.", "I own a bike."]
    assert "got no answer: This is POISON." in errors


def test_a_message_is_sent_again_by_retry_or_dropped(env: dict[str, str]) -> None:
    async def talk() -> None:
        async with scripted_server() as model:
            model.script(*[Fault(status=401, body={"error": {"message": "bad key"}})] * 2)
            model.answer = lambda request: Reply("Blue.")
            env.update(OPENAI_BASE_URL=model.base_url, OPENAI_API_KEY="none")
            env["THREADKEEP_MODEL"] = "scripted"
            await asyncio.to_thread(talk_with)

    def talk_with() -> None:
        error = run(env, "ask", "-u", "ada", "-t", "trip", "What colour?", code=3).stderr
        assert "threadkeep threads retry trip" in error
        assert "'trip' got no answer" in run(env, "doctor").stdout
        run(env, "threads", "retry", "trip", "-u", "ada", code=3)
        assert run(env, "threads", "retry", "trip", "-u", "ada").stdout == "Blue.\n"
        assert user_texts(env) == ["What colour?"]
        error = run(env, "threads", "discard", "trip", "-u", "ada", code=2).stderr
        assert "no message without an answer" in error

    asyncio.run(talk())
