"""Words by which a text tells a time or a number, and the dates that a question names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
TIME_WORDS = frozenset(
    """yesterday today tomorrow ago last next week weeks weekend month months year years day days
    monday tuesday wednesday thursday friday saturday sunday morning night evening tonight recently
    soon since""".split()
) | frozenset(MONTHS)
NUMBER_WORDS = frozenset(
    """one two three four five six seven eight nine ten once twice several many couple both few
    dozen hundred""".split()
)
ASKS_WHEN = frozenset(("when", "date"))
ASKS_WHICH_TIME = frozenset(("year", "month", "day"))
ASKS_HOW_MANY = frozenset(("many", "much", "times", "often"))
_DAY = re.compile(r"([0-3]?\d)(?:st|nd|rd|th)?")


@dataclass(frozen=True, kw_only=True)
class Dates:
    """The years, months and days of the month that a question names."""

    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]


def tells_time(words: Iterable[str]) -> bool:
    """Tell whether a text says something about when."""
    return not TIME_WORDS.isdisjoint(words)


def tells_number(words: Iterable[str]) -> bool:
    """Tell whether a text says something about how many."""
    words = list(words)
    return not NUMBER_WORDS.isdisjoint(words) or any(map(str.isdecimal, words))


def asks_when(words: Sequence[str]) -> bool:
    """Tell whether a question asks for a time."""
    asked = set(words)
    return not asked.isdisjoint(ASKS_WHEN) or (
        "what" in asked and not asked.isdisjoint(ASKS_WHICH_TIME)
    )


def asks_how_many(words: Iterable[str]) -> bool:
    """Tell whether a question asks for a number."""
    return not ASKS_HOW_MANY.isdisjoint(words)


def named_dates(words: Sequence[str]) -> Dates:
    """Return what a question names of dates; days only beside a month, or in ISO 8601."""
    months = {MONTHS.index(word) + 1 for word in words if word in MONTHS}
    years = {int(word) for word in words if re.fullmatch(r"(19|20)\d\d", word)}
    days = {int(m[1]) for word in words if (m := _DAY.fullmatch(word))} if months else set()
    for year, month, day in zip(words, words[1:], words[2:], strict=False):
        if re.fullmatch(r"(19|20)\d\d", year) and month.isdecimal() and day.isdecimal():
            months.add(int(month))
            days.add(int(day))
    return Dates(
        years=frozenset(years),
        months=frozenset(month for month in months if 1 <= month <= 12),
        days=frozenset(day for day in days if 1 <= day <= 31),
    )
