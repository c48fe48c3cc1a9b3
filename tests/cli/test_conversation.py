"""The main job, as a person meets it: each command is a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."
THREADKEEP = [sys.executable, "-c", "from threadkeep.cli.app import main; main()"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "THREADKEEP_"))}
    home = {"THREADKEEP_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    home["THREADKEEP_NO_PROBE"] = "1"
    return kept | home | {"PYTHONPATH": str(ROOT), "TERM": "dumb", "USER": "ada", "LOGNAME": "ada"}


def run(
    env: dict[str, str], *args: str, given: bytes | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*THREADKEEP, *args], env=env, input=given, capture_output=True, timeout=120, check=False
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in out + err
    assert done.returncode == code, (done.returncode, out, err)
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def ask(env: dict[str, str], user: str, thread: str, text: str) -> str:
    return run(env, "ask", "-u", user, "-t", thread, text).stdout


def test_a_fact_survives_a_restart_and_another_thread_and_is_its_owners_alone(
    env: dict[str, str],
) -> None:
    ask(env, "ada", "first", MIRIAM)
    assert "Lisbon" in ask(env, "ada", "second", "Where does my sister live?")
    assert "Lisbon" not in ask(env, "bob", "second", "Where does my sister live?")
    assert "Lisbon" not in ask(env, "bob", "first", "Where does my sister live?")


def test_json_tells_the_reply_its_thread_its_sources_and_its_cost(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    done = run(
        env, "ask", "-u", "ada", "-t", "second", "--json", given=b"Where does my sister live?\n"
    )
    told = json.loads(done.stdout)
    assert "Lisbon" in told["reply"]
    assert told["thread"] == "second"
    (source,) = [m for m in told["memories"] if m["text"] == MIRIAM]
    assert source["source"]["thread"] == "first"
    assert source["score"] > 0
    assert told["tokens"]["prompt"] + told["tokens"]["free"] + told["tokens"]["reserve"] == 8_000


def test_what_is_kept_can_be_listed_shown_and_searched(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    ask(env, "ada", "second", "I work at Initech.")
    listed = run(env, "threads", "list", "-u", "ada").stdout.splitlines()
    assert [line.split()[-1] for line in listed] == ["second", "first"]
    shown = run(env, "threads", "show", "first", "-u", "ada").stdout.splitlines()
    assert shown[0].endswith(f"user: {MIRIAM}")
    assert len(shown) == 2
    assert "Lisbon" in run(env, "memory", "search", "sister", "-u", "ada").stdout
    assert "Miriam" in run(env, "memory", "list", "-u", "ada").stdout
    assert run(env, "memory", "list", "-u", "bob").stdout == ""
    assert "no thread" in run(env, "threads", "show", "first", "-u", "bob", code=2).stderr


def test_the_chat_greets_answers_and_goes_on_with_the_last_thread(env: dict[str, str]) -> None:
    first = pexpect.spawn(THREADKEEP[0], THREADKEEP[1:], env=env, encoding="utf-8", timeout=60)
    first.expect(r"user 'ada', thread '[^']+', model offline, because OPENAI_API_KEY is not set")
    first.expect("> ")
    first.sendline(MIRIAM)
    first.expect("Noted")
    first.expect("> ")
    first.sendline("/nonsense")
    first.expect("There is no command '/nonsense'")
    first.expect("> ")
    first.sendline("/quit")
    first.expect(pexpect.EOF)
    first.close()
    assert first.exitstatus == 0

    second = pexpect.spawn(
        THREADKEEP[0], [*THREADKEEP[1:], "chat", "-c"], env=env, encoding="utf-8", timeout=60
    )
    second.expect("> ")
    second.sendline("Where does my sister live?")
    second.expect("Lisbon")
    second.expect("> ")
    second.sendcontrol("d")
    second.expect(pexpect.EOF)
    second.close()
    assert second.exitstatus == 0


def test_a_whole_conversation_reads_as_it_should(env: dict[str, str]) -> None:
    typed = f"{MIRIAM}\nWhere does my sister live?\nWho won the cup?\n"
    env["THREADKEEP_NOW"] = "2026-03-04T09:30:00+00:00"
    done = run(env, "chat", "-t", "first", given=typed.encode())
    assert done.stdout == (ROOT / "tests/cli/conversation.txt").read_text()


KILLED = """
import asyncio, os, signal, sys
from threadkeep.memory import open_memory
from threadkeep.graph.context import Context
from threadkeep.base.settings import Settings

async def main():
    async with open_memory(Settings()) as memory:
        turn = await memory.say(sys.argv[1], thread="first", user_id="ada")
        async for piece in turn:
            pass
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_turn_that_was_killed_between_two_nodes_is_finished_on_the_next_start(
    env: dict[str, str],
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, MIRIAM], env=env, capture_output=True, check=False
    )
    assert killed.returncode == -9
    done = run(env, "ask", "-u", "ada", "-t", "second", "Where does my sister live?")
    assert "thread 'first' is finished now" in done.stderr
    assert "Lisbon" in done.stdout
    shown = run(env, "threads", "show", "first", "-u", "ada").stdout.splitlines()
    assert len(shown) == 2
    again = run(env, "ask", "-u", "ada", "-t", "second", "Where does my sister live?")
    assert "finished now" not in again.stderr


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["ask", "-u", "ada", ""], 2, "empty"),
        (["ask", "-u", "ada", "x" * 32_001], 2, "32,000"),
        (["ask", "-u", "", "hello"], 2, "user '' is not allowed"),
        (["ask", "-u", "a" * 10_000, "hello"], 2, "10,000 characters"),
        (["ask", "-u", "ada", "-t", "t\n", "hello"], 2, "thread 't\\n' is not allowed"),
        (["ask", "-u", "ada", "-c", "hello"], 2, "no thread to continue"),
        (["ask", "-u", "ada", "-t", "x", "-c", "hello"], 2, "use one of them"),
        (["ask", "-u", "ada", "--model", "openai/gpt", "hello"], 3, "OPENAI_API_KEY"),
        (["nonsense"], 2, "nonsense"),
        (["import", "no-such-file", "--format", "jsonl"], 2, "no-such-file"),
    ],
)
def test_bad_input_is_one_sentence_and_a_code(
    env: dict[str, str], args: list[str], code: int, said: str
) -> None:
    assert said in run(env, *args, code=code).stderr


def test_text_that_is_no_text_is_cleaned_at_the_door(env: dict[str, str]) -> None:
    dirty = b"My cat \xff\xfe is called Momo\x00 and it sleeps."
    run(env, "ask", "-u", "ada", "-t", "first", given=dirty)
    assert "Momo" in ask(env, "ada", "second", "What is my cat called?")


@pytest.mark.parametrize("name", ["a/b", "..", "a.b.c", "x:y", "名前", "' OR 1=1 --", "%s"])
def test_users_and_threads_may_have_any_printable_name(env: dict[str, str], name: str) -> None:
    ask(env, name, name, MIRIAM)
    assert "Lisbon" in ask(env, name, "second", "Where does my sister live?")


def test_the_data_folder_is_its_owners_alone(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    assert Path(env["THREADKEEP_HOME"]).stat().st_mode & 0o777 == 0o700
