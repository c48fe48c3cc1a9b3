"""Ages are told as of a date and computed for another."""

from typing import Any

import pytest

from threadkeep.base.ages import Birthday, age_at, read_birthday


def age(object_: str, start: str, moment: str, birthday: str = "") -> str | None:
    record: dict[str, Any] = {
        "predicate": "age",
        "object": object_,
        "intervals": [{"from": start, "to": None}],
        "birthday": birthday,
    }
    result = age_at(record, moment)
    return result.words if result else None


@pytest.mark.parametrize(
    ("text", "birthday"),
    [
        ("2017-05-03", Birthday(2017, 5, 3)),
        ("--05-03", Birthday(None, 5, 3)),
        ("3 May", Birthday(None, 5, 3)),
        ("May 3rd, 2017", Birthday(2017, 5, 3)),
        ("3. Mai", Birthday(None, 5, 3)),
        ("el 3 de mayo de 2017", Birthday(2017, 5, 3)),
        ("3 août", Birthday(None, 8, 3)),
        ("17 septiembre", Birthday(None, 9, 17)),
        ("2017", Birthday(2017)),
        ("31 February", Birthday()),
        ("soon", Birthday()),
    ],
)
def test_a_birthday_may_have_no_year(text: str, birthday: Birthday) -> None:
    assert read_birthday(text) == birthday


@pytest.mark.parametrize(
    ("start", "moment", "birthday", "words"),
    [
        ("2024-05-02T10:00:00+00:00", "2024-05-03", "", "7"),
        ("2024-05-02T10:00:00+00:00", "2026-05-02", "", "about 9"),
        ("2024-05-02T10:00:00+00:00", "2026-11-28", "3 May", "10"),
        ("2024-05-02T10:00:00+00:00", "2026-05-02", "3 May", "9"),
        ("2024-05-02T10:00:00+00:00", "2026-05-03", "3 May", "10"),
        ("2024-05-02T10:00:00+00:00", "2026-11-28", "2016-09-30", "10"),
        ("2024", "2026", "", "about 9"),
    ],
)
def test_an_age_grows(start: str, moment: str, birthday: str, words: str) -> None:
    assert age("7", start, moment, birthday) == words


def test_what_is_no_age_is_none() -> None:
    assert age("young", "2024", "2026") is None
    assert age("120", "1990", "2026") is None
