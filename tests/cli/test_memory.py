"""What a person asks of their memory and changes in it, as commands and in the chat."""

import json
import re

from tests.cli.test_conversation import MIRIAM, ask, env, run
from threadkeep.stores.memory_ids import short_ids

__all__ = ["env"]
ADA = ("-u", "ada")


def id_in(listed: str, text: str) -> str:
    """The id that a list shows in front of a text."""
    (line,) = [each for each in listed.splitlines() if text in each]
    return line.split()[0]


def test_a_person_lists_corrects_pins_and_asks_why(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    listed = run(env, "memory", "list", *ADA).stdout
    assert [line for line in listed.splitlines() if line and line[0] != " "] == [
        "user",
        "Miriam",
        "People, places and things",
    ]
    fact = id_in(listed, "Miriam lives in Lisbon")
    done = run(env, "memory", "correct", fact, "Porto", *ADA)
    assert "(was: Miriam lives in Lisbon" in done.stdout
    assert re.search(
        rf"{fact}  corrected \d{{4}}-\d\d-\d\d  Miriam lives in Lisbon.*\n\w{{8}}  now  Miriam ",
        run(env, "memory", "history", fact, *ADA).stdout,
    )
    message = id_in(run(env, "memory", "search", "parrots", *ADA).stdout, f": {MIRIAM}")
    pinned = run(env, "memory", "pin", message, *ADA, "--context", "pinned_tokens=16")
    assert f"Pinned: {MIRIAM}" in pinned.stderr
    assert "Not all pins fit into pinned_tokens=16" in pinned.stderr
    answered = run(env, "ask", "-t", "second", "--json", "Where does Miriam live?", *ADA)
    memories = json.loads(answered.stdout)["memories"]
    assert [each["text"] for each in memories if each["pinned"]] == [MIRIAM]
    assert any(each["parts"].get("words", 0) > 0 for each in memories)
    why = run(env, "memory", "why", *ADA).stdout
    assert why.startswith("Question: Where does Miriam live?\nAnswer:   What I know: Miriam lives")
    assert f"{message}  message" in why
    assert "[pinned]" in why
    assert f"  from {message}, " in why


def test_the_chat_does_the_same_and_says_what_is_wrong_in_one_line(env: dict[str, str]) -> None:
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
    done = run(env, "chat", "-t", "second", *ADA, given="\n".join(lines).encode())
    assert done.stdout.splitlines()[0] == "Nothing is pinned."
    assert f"{message}" in done.stdout
    assert "I live in Oslo.  (was: I live in Bergen.)" in done.stdout
    assert "Question: Where do I live?" in done.stdout
    assert "[pinned, corrected " in done.stdout
    assert done.stdout.splitlines()[-1] == "Nothing is pinned."
    told = [line.removeprefix("threadkeep: ") for line in done.stderr.splitlines()[1:]]
    assert told[0].startswith("User 'ada' has no thread 'second' with an answer")
    assert told[1].startswith("What should it say?")
    assert told[2].startswith("You have no memory '00000000'")
    assert told[3] == "Pinned: I live in Oslo."
    assert told[4].startswith("No longer pinned: ")
    assert told[5].startswith(f"No memory '{message}' is pinned")


def test_a_short_id_tells_ids_apart_and_names_answers_by_their_ends() -> None:
    ids = ["0" * 12 + "aa", "0" * 12 + "ab", "1" * 36, "m1"]
    answers = [f"lc_run--019abc00-0000-7000-8000-{n:012x}" for n in (0xABCDEF01, 0xABCDEF02)]
    shown = short_ids([*ids, *answers])
    assert shown["1" * 36] == "1" * 8
    assert shown["m1"] == "m1"
    assert shown[answers[0]] == "abcdef01"
    for key, part in shown.items():
        assert [each for each in shown if each.startswith(part) or each.endswith(part)] == [key]
    many = [f"{number:032x}" for number in range(5_000)]
    assert len(set(short_ids(many).values())) == 5_000


def test_pins_in_the_chat_must_fit_into_what_was_set_for_the_thread(env: dict[str, str]) -> None:
    ask(env, "ada", "first", MIRIAM)
    message = id_in(run(env, "threads", "show", "first", *ADA).stdout, MIRIAM)
    run(env, "threads", "set", "first", *ADA, "--context", "pinned_tokens=16")
    lines = f"/pin {message}\n/pin\n".encode()
    chat = run(env, "chat", "-t", "first", *ADA, given=lines)
    assert "Not all pins fit into pinned_tokens=16" in chat.stderr
    assert "(does not fit, not shown)" in chat.stdout
    # An option of the command line wins; an empty one takes the default.
    for option in ("pinned_tokens=200", "pinned_tokens="):
        chat = run(env, "chat", "-t", "first", *ADA, "--context", option, given=lines)
        assert "Not all pins fit" not in chat.stderr
        assert "(does not fit, not shown)" not in chat.stdout
