"""`threadkeep facts`: what holds now, at another time, and as far as it was known."""

import json
from typing import Any

from tests.cli.commands import ask, run

ADA = ("-u", "ada")


def facts(env: dict[str, str], *options: str) -> list[dict[str, Any]]:
    process = run(env, "facts", *ADA, "--about", "user", "--json", *options)
    rows: list[dict[str, Any]] = [json.loads(line) for line in process.stdout.splitlines()]
    return rows


def homes(env: dict[str, str], *options: str) -> dict[str, str]:
    """Return the status of each place where the user is known to live."""
    rows = facts(env, *options)
    return {row["object"]: row["status"] for row in rows if row["predicate"] == "lives in"}


def test_facts_hold_at_a_time_and_are_known_since_a_time(env: dict[str, str]) -> None:
    for time, text in (
        ("2026-01-10T10:00:00+00:00", "I live in Rostock."),
        ("2026-02-10T10:00:00+00:00", "I moved to Lima in 2011 and stayed for two years."),
        ("2026-03-10T10:00:00+00:00", "I'm moving to Dresden at the beginning of July."),
    ):
        ask({**env, "THREADKEEP_NOW": time}, "ada", "first", text)
    may = {**env, "THREADKEEP_NOW": "2026-05-01T10:00:00+00:00"}
    assert homes(may) == {"Rostock": "holds", "Dresden": "planned"}
    assert homes(may, "--as-of", "2026-08") == {"Dresden": "holds"}
    assert homes(may, "--as-of", "2012") == {"Lima": "holds", "Dresden": "planned"}
    assert homes(may, "--told-by", "2026-02") == {"Rostock": "holds"}
    assert homes(may, "--history")["Lima"] == "over"
    august = {**env, "THREADKEEP_NOW": "2026-08-01T10:00:00+00:00"}
    assert homes(august) == {"Dresden": "holds"}
    assert "planned: user lives in Dresden (from 2026-07)" in run(may, "facts", *ADA).stdout
    assert "Dresden" in ask(august, "ada", "second", "Where do I live?")
    assert "Rostock" in ask(may, "ada", "third", "Where do I live?")


def test_a_time_that_is_none_and_an_empty_list_are_a_sentence(env: dict[str, str]) -> None:
    process = run(env, "facts", *ADA, "--as-of", "2026-02-30", code=2)
    assert "as_of '2026-02-30' is no day of the calendar" in process.stderr
    assert "Nothing is known." in run(env, "facts", *ADA).stderr
