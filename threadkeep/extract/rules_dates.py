"""Dates in a sentence, relative to the day on which it was written."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from threadkeep.extract.rules_words import DAYS, MONTHS, MONTHS_SHORT, NUMBERS

_ISO: Final = re.compile(r"^(\d{4})-(\d{2})(?:-(\d{2}))?$")
_ORDINAL: Final = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?$")
_YEAR: Final = re.compile(r"^(?:19|20)\d{2}$")
_RANGE: Final = re.compile(
    r"\bfrom (?P<start>(?:19|20)\d\d) (?:to|until|till|-) (?P<end>(?:19|20)\d\d)\b"
    r"|\bbetween (?P<first>(?:19|20)\d\d) and (?P<last>(?:19|20)\d\d)\b"
)
_STAYED: Final = re.compile(r"\bstayed (?:there )?(?:for )?(\w{1,10}) years?\b")
_UNITS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
_TIME_WORDS: Final = frozenset("yesterday today recently now again ago tonight tomorrow".split())
_TIME_OPENERS: Final = frozenset("last this next in on since back for around during".split())
_BEFORE_MONTH: Final = frozenset("in since last this next early late mid of around during".split())
_BEFORE_YEAR: Final = frozenset("in since of year from early late around".split())
_BEFORE_WEEKDAY: Final = frozenset("on last this next since".split())


@dataclass(frozen=True)
class _Phrase:
    """Tokens that may name a date, and what a relative date counts from."""

    tokens: Sequence[str]
    lower: list[str]
    today: date
    future: bool

    def word(self, index: int) -> str:
        """Return the token at `index` in lower case, "" outside of the phrase."""
        return self.lower[index] if 0 <= index < len(self.lower) else ""


def find_date(tokens: Sequence[str], today: date, *, future: bool = False) -> str | None:
    """Return the first date in `tokens` as year, month or day of ISO 8601, or None.

    A date without a year is the latest one before `today`, with `future` the next one.
    """
    phrase = _Phrase(tokens, [token.lower() for token in tokens], today, future)
    for index in range(len(tokens)):
        for read in _READERS:
            try:
                if iso_date := read(phrase, index):
                    return iso_date
            except (ValueError, OverflowError):
                continue
    return None


def find_range(tokens: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the years of "from 2010 to 2014", "between 2010 and 2014" or "until 2014".

    The end is exclusive: the year after.
    """
    match = _RANGE.search(" ".join(tokens).lower())
    if not match:
        return None, None
    last = match["end"] or match["last"]
    return match["start"] or match["first"], end_of(last)


def end_of(iso_date: str) -> str:
    """Return the year, month or day after this one, ISO 8601."""
    if len(iso_date) == len("2026"):
        return f"{int(iso_date) + 1:04}"
    if len(iso_date) == len("2026-03"):
        return _month_after(date.fromisoformat(f"{iso_date}-01"), 1)
    return (date.fromisoformat(iso_date) + timedelta(days=1)).isoformat()


def years_stayed(lower: Sequence[str]) -> int:
    """Return the number in "stayed for two years", 0 without one."""
    match = _STAYED.search(" ".join(lower))
    if not match:
        return 0
    return NUMBERS.get(match[1]) or (int(match[1]) if match[1].isdecimal() else 0)


def starts_date(tokens: Sequence[str], index: int) -> bool:
    """Return whether a time phrase begins at `index`: "in March", "last week", "on 3 May"."""
    word = tokens[index].lower()
    if word in _TIME_WORDS:
        return True
    if word in _TIME_OPENERS:
        return find_date(tokens[index : index + 5], date(2000, 1, 2)) is not None or (
            index + 1 < len(tokens) and tokens[index + 1].lower() in NUMBERS
        )
    return False


def month_of(tokens: Sequence[str], index: int) -> int | None:
    """Return the number of the month at `index`; "may" and "march" need a capital."""
    token = tokens[index]
    word = token.lower()
    if word in ("may", "march", "mar", "dec", "sept", "sep") and not token[:1].isupper():
        return None
    if word in MONTHS or word in MONTHS_SHORT:
        return MONTHS_SHORT[word[:3]]
    return None


def _read_iso(phrase: _Phrase, index: int) -> str | None:
    match = _ISO.match(phrase.lower[index])
    if not match:
        return None
    date(int(match[1]), int(match[2]), int(match[3] or 1))  # Raises if there is no such day.
    return match[0]


def _read_day_word(phrase: _Phrase, index: int) -> str | None:
    word, next_word = phrase.lower[index], phrase.word(index + 1)
    days_ago = {"yesterday": 1, "today": 0, "tonight": 0, "tomorrow": -1}.get(word)
    if word == "last" and next_word == "night":
        days_ago = 1
    if word == "this" and next_word in ("morning", "afternoon", "evening"):
        days_ago = 0
    return None if days_ago is None else (phrase.today - timedelta(days=days_ago)).isoformat()


def _read_month(phrase: _Phrase, index: int) -> str | None:
    month = month_of(phrase.tokens, index)
    if month is None:
        return None
    day, end = _day_beside(phrase, index)
    year_word = phrase.word(end)
    if not _YEAR.match(year_word):
        year_word = phrase.word(end + 1) if year_word == "," else ""
    if _YEAR.match(year_word):
        year = int(year_word)
    elif day is None and phrase.word(index - 1) not in _BEFORE_MONTH:
        return None
    else:
        year = _nearest_year(phrase, month, day or 0)
    return date(year, month, day).isoformat() if day else f"{year:04}-{month:02}"


def _nearest_year(phrase: _Phrase, month: int, day: int) -> int:
    """Return the year of the last such date, or of the next one if the phrase is in the future."""
    today = phrase.today
    has_come = (month, day) <= (today.month, today.day)
    if phrase.future:
        return today.year + (has_come and month != today.month)
    return today.year - (not has_come)


def _day_beside(phrase: _Phrase, index: int) -> tuple[int | None, int]:
    """Return the day before or after the month at `index`, and the index after both."""
    before = index - 2 if index >= 2 and phrase.word(index - 1) == "of" else index - 1
    for day_index, end in ((before, index + 1), (index + 1, index + 2)):
        match = _ORDINAL.match(phrase.word(day_index))
        if match and 1 <= int(match[1]) <= 31:
            return int(match[1]), end
    return None, index + 1


def _read_relative(phrase: _Phrase, index: int) -> str | None:
    today = phrase.today
    step = {"last": -1, "this": 0, "next": 1}.get(phrase.lower[index])
    unit = phrase.word(index + 1)
    if step is None:
        return None
    if unit == "week":
        return (today - timedelta(days=today.weekday()) + timedelta(weeks=step)).isoformat()
    if unit == "weekend":
        return (today - timedelta(days=today.weekday() - 5) + timedelta(weeks=step)).isoformat()
    if unit == "month":
        return _month_after(today, step)
    return f"{today.year + step:04}" if unit == "year" else None


def _read_weekday(phrase: _Phrase, index: int) -> str | None:
    word, before = phrase.lower[index], phrase.word(index - 1)
    if word not in DAYS or before not in _BEFORE_WEEKDAY:
        return None
    days = (DAYS.index(word) - phrase.today.weekday()) % 7
    ahead = phrase.future or before == "next"
    return (phrase.today + timedelta(days=(days or 7) if ahead else days - 7)).isoformat()


def _read_ago(phrase: _Phrase, index: int) -> str | None:
    if phrase.lower[index] != "ago" or index < 2:
        return None
    unit, count = phrase.lower[index - 1].removesuffix("s"), phrase.lower[index - 2]
    if unit not in _UNITS:
        return None
    number = NUMBERS.get(count) or (int(count) if count.isdecimal() and len(count) < 4 else 0)
    if not number:
        return None
    if unit == "year":
        return f"{phrase.today.year - number:04}"
    if unit == "month":
        return _month_after(phrase.today, -number)
    return (phrase.today - timedelta(days=number * _UNITS[unit])).isoformat()


def _read_year(phrase: _Phrase, index: int) -> str | None:
    word = phrase.lower[index]
    return word if phrase.word(index - 1) in _BEFORE_YEAR and _YEAR.match(word) else None


def _month_after(day: date, months: int) -> str:
    number = day.year * 12 + day.month - 1 + months
    return f"{number // 12:04}-{number % 12 + 1:02}"


_READERS: Final[Sequence[Callable[[_Phrase, int], str | None]]] = (
    _read_iso,
    _read_day_word,
    _read_month,
    _read_relative,
    _read_weekday,
    _read_ago,
    _read_year,
)
