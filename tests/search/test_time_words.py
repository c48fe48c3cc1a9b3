"""Words say when and how many; questions ask for it; dates are read from questions."""

from collections.abc import Collection
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.search.time_words import (
    Dates,
    asks_quantity,
    asks_time,
    dates_in,
    mentions_quantity,
    mentions_time,
)
from threadkeep.search.words import words_of


def dates(
    years: Collection[int] = (), months: Collection[int] = (), days: Collection[int] = ()
) -> Dates:
    return Dates(years=frozenset(years), months=frozenset(months), days=frozenset(days))


@pytest.mark.parametrize("text", ["We met yesterday.", "In March it rained.", "See you on Monday"])
def test_a_text_with_a_time_word_mentions_a_time(text: str) -> None:
    assert mentions_time(words_of(text))


def test_a_text_without_a_time_word_mentions_no_time() -> None:
    assert not mentions_time(words_of("My sister keeps 3 parrots in Lisbon."))


@pytest.mark.parametrize("text", ["I have two dogs.", "It costs 40 euros.", "We went there twice."])
def test_a_text_with_a_number_mentions_a_quantity(text: str) -> None:
    assert mentions_quantity(words_of(text))


@pytest.mark.parametrize("text", ["I have dogs.", "Platform b52, on the 3rd floor"])
def test_a_text_without_a_number_mentions_no_quantity(text: str) -> None:
    assert not mentions_quantity(words_of(text))


@pytest.mark.parametrize(
    ("question", "time", "quantity"),
    [
        ("When did Tom move?", True, False),
        ("What year was it?", True, False),
        ("What is the date?", True, False),
        ("Which year was it?", False, False),
        ("What did Tom say?", False, False),
        ("How many dogs does she have?", False, True),
        ("How often do they meet?", False, True),
        ("Where does Tom live?", False, False),
    ],
)
def test_a_question_asks_for_a_time_or_a_quantity(
    question: str, time: bool, quantity: bool
) -> None:
    words = words_of(question)
    assert asks_time(words) is time
    assert asks_quantity(words) is quantity


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What happened in May 2023?", dates({2023}, {5})),
        ("What did Ann do on 8 May?", dates(months={5}, days={8})),
        ("What did Ann do on March 3rd or the 22nd?", dates(months={3}, days={3, 22})),
        ("What was on 2023-05-08?", dates({2023}, {5}, {8})),
        ("What was on 2023-13-40?", dates({2023})),
        ("Between June and July", dates(months={6, 7})),
        ("In 1999 and 2001", dates({1999, 2001})),
        ("The 45 of May", dates(months={5})),
        ("In 2150", dates()),
        ("Her 3 dogs and 12 cats", dates()),
    ],
)
def test_a_question_gives_its_dates(question: str, expected: Dates) -> None:
    assert dates_in(words_of(question)) == expected


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_iso_date_of_two_centuries_is_read(day: date) -> None:
    assert dates_in(words_of(day.isoformat())) == dates({day.year}, {day.month}, {day.day})


@given(st.lists(st.sampled_from("may 2023 31 0 13 99 1st 39th june 1999 today".split())))
def test_dates_are_always_possible_months_and_days(words: list[str]) -> None:
    result = dates_in(words)
    assert result.months <= set(range(1, 13))
    assert result.days <= set(range(1, 32))
