"""Words about time and quantity: which a text mentions, which a question asks for, and dates."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from threadkeep.search.words import words_of

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
TIME_WORDS = frozenset(
    """yesterday today tomorrow ago last next week weeks weekend month months year years day days
    monday tuesday wednesday thursday friday saturday sunday morning night evening tonight recently
    soon since""".split()
) | frozenset(MONTHS)
QUANTITY_WORDS = frozenset(
    """one two three four five six seven eight nine ten once twice several many couple both few
    dozen hundred""".split()
)
TIME_QUESTION_WORDS = frozenset(("when", "date"))
TIME_UNITS_AFTER_WHAT = frozenset(("year", "month", "day"))
QUANTITY_QUESTION_WORDS = frozenset(("many", "much", "times", "often"))
_DAY = re.compile(r"([0-3]?\d)(?:st|nd|rd|th)?")
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True, kw_only=True)
class Dates:
    """The years, months and days of the month that a question mentions."""

    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]


def mentions_time(words: Iterable[str]) -> bool:
    """Tell whether the words of a text say when something happens."""
    return not TIME_WORDS.isdisjoint(words)


def mentions_quantity(words: Iterable[str]) -> bool:
    """Tell whether the words of a text say how many there are of something."""
    words = list(words)
    return not QUANTITY_WORDS.isdisjoint(words) or any(map(str.isdecimal, words))


def asks_time(words: Iterable[str]) -> bool:
    """Tell whether the words of a question ask for a time."""
    words = set(words)
    return not words.isdisjoint(TIME_QUESTION_WORDS) or (
        "what" in words and not words.isdisjoint(TIME_UNITS_AFTER_WHAT)
    )


def asks_quantity(words: Iterable[str]) -> bool:
    """Tell whether the words of a question ask for a number."""
    return not QUANTITY_QUESTION_WORDS.isdisjoint(words)


def dates_in(words: Sequence[str]) -> Dates:
    """Return the dates in the words of a question; days only beside a month, or in ISO 8601."""
    months = {MONTHS.index(word) + 1 for word in words if word in MONTHS}
    years = {int(word) for word in words if _YEAR.fullmatch(word)}
    days = {int(day[1]) for word in words if (day := _DAY.fullmatch(word))} if months else set()
    for year, month, day_of_month in zip(words, words[1:], words[2:], strict=False):
        if _YEAR.fullmatch(year) and month.isdecimal() and day_of_month.isdecimal():
            months.add(int(month))
            days.add(int(day_of_month))
    return Dates(
        years=frozenset(years),
        months=frozenset(month for month in months if 1 <= month <= 12),
        days=frozenset(day for day in days if 1 <= day <= 31),
    )


def moment_of(question: str, present: datetime) -> str:
    """Return the year or month that a question asks about, ISO 8601; else the present moment.

    A month without a year is the last one of that name.
    """
    dates = dates_in(words_of(question))
    if len(dates.years) > 1 or len(dates.months) > 1 or not (dates.years or dates.months):
        return present.isoformat()
    month = next(iter(dates.months), 0)
    year = next(iter(dates.years), present.year - (month > present.month))
    return f"{year}-{month:02}" if month else f"{year}"
