"""Commands about one memory, in the terminal and in the chat: why, correct, history, pin."""

import json
import re

from tests.cli.commands import MIRIAM, ask, run
from threadkeep.stores.memory_ids import short_ids

ADA = ("-u", "ada")


def id_in(output: str, text: str) -> str:
    """Return the id that a list shows in front of a text."""
    (line,) = [line for line in output.splitlines() if text in line]
    return line.split()[0]


def test_a_person_lists_corrects_pins_and_asks_why(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    facts = run(env, "memory", "list", *ADA).stdout
    assert [line for line in facts.splitlines() if line and line[0] != " "] == [
        "user",
        "Miriam",
        "People, places and things",
    ]
    fact = id_in(facts, "Miriam lives in Lisbon")
    process = run(env, "memory", "correct", fact, "Porto", *ADA)
    assert "(was: Miriam lives in Lisbon" in process.stdout
    assert re.search(
        rf"{fact}  corrected \d{{4}}-\d\d-\d\d  Miriam lives in Lisbon.*\n\w{{8}}  now  Miriam ",
        run(env, "memory", "history", fact, *ADA).stdout,
    )
    message = id_in(run(env, "memory", "search", "parrots", *ADA).stdout, f": {MIRIAM}")
    pinned = run(env, "memory", "pin", message, *ADA, "--context", "pinned_tokens=16")
    assert f"Pinned: {MIRIAM}" in pinned.stderr
    assert "Not all pins fit into pinned_tokens=16" in pinned.stderr
    process = run(env, "ask", "-t", "second", "--json", "Where does Miriam live?", *ADA)
    memories = json.loads(process.stdout)["memories"]
    assert [item["text"] for item in memories if item["pinned"]] == [MIRIAM]
    assert any(item["parts"].get("words", 0) > 0 for item in memories)
    why = run(env, "memory", "why", *ADA).stdout
    assert why.startswith("Question: Where does Miriam live?\nAnswer:   What I know: Miriam lives")
    assert f"{message}  message" in why
    assert "[pinned]" in why
    assert f"  from {message}, " in why


def test_the_chat_has_the_same_commands_and_prints_an_error_in_one_line(
    env: dict[str, str],
) -> None:
    ask(env, "ada", "first", "I live in Bergen.")
    message = id_in(run(env, "threads", "show", "first", *ADA).stdout, "user: I live")
    lines = [
        "/pin",
        "/why",
        "/correct",
        "/correct 00000000 x",
        f"/correct {message} I live in Oslo.",
        f"/pin {message}",
        "Where do I live?",
        "/why",
        f"/unpin {message}",
        f"/unpin {message}",
        "/pin",
    ]
    # On a pipe the exit code tells that a line failed.
    process = run(env, "chat", "-t", "second", *ADA, text="\n".join(lines).encode(), code=2)
    assert process.stdout.splitlines()[0] == "Nothing is pinned."
    assert f"{message}" in process.stdout
    assert "I live in Oslo.  (was: I live in Bergen.)" in process.stdout
    assert "Question: Where do I live?" in process.stdout
    assert "[pinned, corrected " in process.stdout
    assert process.stdout.splitlines()[-1] == "Nothing is pinned."
    errors = [line.removeprefix("threadkeep: ") for line in process.stderr.splitlines()[1:]]
    assert errors[0].startswith("User 'ada' has no thread 'second' with an answer")
    assert errors[1].startswith("What should it say?")
    assert errors[2].startswith("You have no memory '00000000'")
    assert errors[3] == "Pinned: I live in Oslo."
    assert errors[4].startswith("No longer pinned: ")
    assert errors[5].startswith(f"No memory '{message}' is pinned")


def test_short_ids_are_unique_and_those_of_answers_are_their_ends() -> None:
    ids = ["0" * 12 + "aa", "0" * 12 + "ab", "1" * 36, "m1"]
    answers = [f"lc_run--019abc00-0000-7000-8000-{n:012x}" for n in (0xABCDEF01, 0xABCDEF02)]
    shorts = short_ids([*ids, *answers])
    assert shorts["1" * 36] == "1" * 8
    assert shorts["m1"] == "m1"
    assert shorts[answers[0]] == "abcdef01"
    for key, part in shorts.items():
        assert [name for name in shorts if name.startswith(part) or name.endswith(part)] == [key]
    many = [f"{number:032x}" for number in range(5_000)]
    assert len(set(short_ids(many).values())) == 5_000


def test_pins_in_the_chat_must_fit_into_what_was_set_for_the_thread(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    message = id_in(run(env, "threads", "show", "first", *ADA).stdout, MIRIAM)
    run(env, "threads", "set", "first", *ADA, "--context", "pinned_tokens=16")
    lines = f"/pin {message}\n/pin\n".encode()
    chat = run(env, "chat", "-t", "first", *ADA, text=lines)
    assert "Not all pins fit into pinned_tokens=16" in chat.stderr
    assert "(does not fit, not shown)" in chat.stdout
    # An option of the command line wins; an empty one takes the default.
    for option in ("pinned_tokens=200", "pinned_tokens="):
        chat = run(env, "chat", "-t", "first", *ADA, "--context", option, text=lines)
        assert "Not all pins fit" not in chat.stderr
        assert "(does not fit, not shown)" not in chat.stdout


def test_an_empty_value_of_the_context_takes_the_default(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    run(env, "threads", "set", "first", *ADA, "--context", "max_tokens=4000")
    question = ("ask", "-t", "first", "--json", "Where does Miriam live?", *ADA)
    assert json.loads(run(env, *question).stdout)["tokens"]["limit"] == 4_000
    empty = json.loads(run(env, *question, "--context", "max_tokens=").stdout)
    assert empty["tokens"]["limit"] == 8_000
    assert run(env, "memory", "pins", *ADA, "--context", "pinned_tokens=").stdout == ""
