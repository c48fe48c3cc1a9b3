"""Conversations in the terminal; each command is a process of its own."""

import json
from pathlib import Path

import pexpect
import pytest

from tests.backends import ROOT, THREADKEEP
from tests.cli.commands import MIRIAM, ask, kill_turn, run


def test_a_fact_is_recalled_after_a_restart_in_another_thread_by_its_owner_only(
    env: dict[str, str],
) -> None:
    ask(env, "ada", "first", MIRIAM)
    assert "Lisbon" in ask(env, "ada", "second", "Where does my sister live?")
    assert "Lisbon" not in ask(env, "bob", "second", "Where does my sister live?")
    assert "Lisbon" not in ask(env, "bob", "first", "Where does my sister live?")


def test_json_has_the_reply_its_thread_its_sources_and_its_cost(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    question = b"Where does my sister live?\n"
    process = run(env, "ask", "-u", "ada", "-t", "second", "--json", text=question)
    output = json.loads(process.stdout)
    assert "Lisbon" in output["reply"]
    assert output["thread"] == "second"
    (source,) = [m for m in output["memories"] if m["text"] == MIRIAM]
    assert source["source"]["thread"] == "first"
    assert source["score"] > 0
    assert (
        output["tokens"]["prompt"] + output["tokens"]["free"] + output["tokens"]["reserve"] == 8_000
    )


def test_threads_and_memory_can_be_listed_shown_and_searched(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    ask(env, "ada", "second", "I work at Initech.")
    threads = run(env, "threads", "list", "-u", "ada").stdout.splitlines()
    assert [line.split()[-1] for line in threads] == ["second", "first"]
    messages = run(env, "threads", "show", "first", "-u", "ada").stdout.splitlines()
    assert messages[0].endswith(f"user: {MIRIAM}")
    assert len(messages) == 2
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


def test_a_whole_conversation_prints_this_transcript(env: dict[str, str]) -> None:
    lines = f"{MIRIAM}\nWhere does my sister live?\nWho won the cup?\n"
    env["THREADKEEP_NOW"] = "2026-03-04T09:30:00+00:00"
    process = run(env, "chat", "-t", "first", text=lines.encode())
    assert process.stdout == (ROOT / "tests/cli/conversation.txt").read_text()


def test_a_turn_that_was_killed_between_two_nodes_is_finished_on_the_next_start(
    env: dict[str, str],
) -> None:
    kill_turn(env, MIRIAM)
    process = run(env, "ask", "-u", "ada", "-t", "second", "Where does my sister live?")
    assert "thread 'first' is finished now" in process.stderr
    assert "Lisbon" in process.stdout
    messages = run(env, "threads", "show", "first", "-u", "ada").stdout.splitlines()
    assert len(messages) == 2
    again = run(env, "ask", "-u", "ada", "-t", "second", "Where does my sister live?")
    assert "finished now" not in again.stderr


@pytest.mark.parametrize(
    ("args", "code", "message"),
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
    env: dict[str, str], args: list[str], code: int, message: str
) -> None:
    assert message in run(env, *args, code=code).stderr


def test_input_that_is_not_utf_8_is_sanitised(env: dict[str, str]) -> None:
    dirty = b"My cat \xff\xfe is called Momo\x00 and it sleeps."
    run(env, "ask", "-u", "ada", "-t", "first", text=dirty)
    assert "Momo" in ask(env, "ada", "second", "What is my cat called?")


@pytest.mark.parametrize("name", ["a/b", "..", "a.b.c", "x:y", "名前", "' OR 1=1 --", "%s"])
def test_users_and_threads_may_have_any_printable_name(env: dict[str, str], name: str) -> None:
    ask(env, name, name, MIRIAM)
    assert "Lisbon" in ask(env, name, "second", "Where does my sister live?")


def test_the_data_folder_is_readable_by_its_owner_only(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    assert Path(env["THREADKEEP_HOME"]).stat().st_mode & 0o777 == 0o700


def test_days_and_times_are_those_of_the_users_zone(env: dict[str, str]) -> None:
    env |= {"THREADKEEP_NOW": "2026-03-04T04:00:00+00:00", "TZ": "America/Los_Angeles"}
    run(env, "ask", "-t", "home", "Yesterday I moved to Lisbon.")
    facts = run(env, "memory", "list").stdout
    assert "user moved to Lisbon (2026-03-02) (said 2026-03-03 20:00)" in facts
    prompt = run(env, "ask", "-t", "other", "--json", "Where did I move to?").stdout
    assert "on 3 March 2026" in prompt
    env["THREADKEEP_TIME_ZONE"] = "Asia/Tokyo"
    assert "(said 2026-03-04 13:00)" in run(env, "memory", "list").stdout
    env["THREADKEEP_TIME_ZONE"] = "Mars/Olympus"
    assert "write it like Europe/Oslo" in run(env, "memory", "list", code=2).stderr
