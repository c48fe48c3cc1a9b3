"""When it happened: dates in a sentence, relative to when it was said."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from threadkeep.extract.rules_words import DAYS, MONTHS, MONTHS_SHORT, NUMBERS

_ISO: Final = re.compile(r"^(\d{4})-(\d{2})(?:-(\d{2}))?$")
_ORDINAL: Final = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?$")
_YEAR: Final = re.compile(r"^(?:19|20)\d{2}$")
_UNITS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}


def find_date(tokens: Sequence[str], said: date, *, future: bool = False) -> str | None:
    """Return the first date that `tokens` name, as ISO 8601 year, month or day, or None."""
    low = [token.lower() for token in tokens]
    for place in range(len(tokens)):
        for read in (_iso, _day_word, _month, _relative, _weekday, _ago, _year):
            try:
                if found := read(tokens, low, place, said, future):
                    return found
            except (ValueError, OverflowError):
                continue
    return None


def starts_date(tokens: Sequence[str], place: int) -> bool:
    """Tell whether a time phrase begins at `place`: "in March", "last week", "on 3 May"."""
    low = tokens[place].lower()
    if low in ("yesterday", "today", "recently", "now", "again", "ago", "tonight", "tomorrow"):
        return True
    if low in ("last", "this", "next", "in", "on", "since", "back", "for", "around", "during"):
        return find_date(tokens[place : place + 5], date(2000, 1, 2)) is not None or (
            place + 1 < len(tokens) and tokens[place + 1].lower() in NUMBERS
        )
    return False


def month_of(tokens: Sequence[str], place: int) -> int | None:
    """Return the month that is named at `place`; "may" and "march" only with a capital."""
    token = tokens[place]
    low = token.lower()
    if low in ("may", "march", "mar", "dec", "sept", "sep") and not token[:1].isupper():
        return None
    if low in MONTHS or low in MONTHS_SHORT:
        return MONTHS_SHORT[low[:3]]
    return None


def _iso(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    matched = _ISO.match(low[at])
    if not matched:
        return None
    date(int(matched[1]), int(matched[2]), int(matched[3] or 1))
    return matched[0]


def _day_word(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    back = {"yesterday": 1, "today": 0, "tonight": 0, "tomorrow": -1}.get(low[at])
    if low[at] == "last" and low[at + 1 : at + 2] == ["night"]:
        back = 1
    if low[at] == "this" and low[at + 1 : at + 2] in (["morning"], ["afternoon"], ["evening"]):
        back = 0
    return None if back is None else (said - timedelta(days=back)).isoformat()


def _month(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    month = month_of(t, at)
    if month is None:
        return None
    day, used = _day_beside(low, at)
    after = low[used + 1] if low[used : used + 1] == [","] and used + 1 < len(low) else ""
    year_word = low[used] if used < len(low) else ""
    year_word = year_word if _YEAR.match(year_word) else after
    if day is None and not (at and low[at - 1] in _BEFORE_MONTH) and not _YEAR.match(year_word):
        return None
    if _YEAR.match(year_word):
        year = int(year_word)
    else:
        begun = (month, day or 0) <= (said.month, said.day)
        year = said.year + (begun and month != said.month if future else begun - 1)
    return date(year, month, day).isoformat() if day else f"{year:04}-{month:02}"


_BEFORE_MONTH: Final = frozenset("in since last this next early late mid of around during".split())


def _day_beside(low: list[str], at: int) -> tuple[int | None, int]:
    """Return the day in front of or behind the month at `at`, and the place behind it all."""
    before = at - 2 if at >= 2 and low[at - 1] == "of" else at - 1
    for place, end in ((before, at + 1), (at + 1, at + 2)):
        matched = _ORDINAL.match(low[place]) if 0 <= place < len(low) else None
        if matched and 1 <= int(matched[1]) <= 31:
            return int(matched[1]), end
    return None, at + 1


def _relative(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    step = {"last": -1, "this": 0, "next": 1}.get(low[at])
    unit = low[at + 1] if at + 1 < len(low) else ""
    if step is None:
        return None
    if unit == "week":
        return (said - timedelta(days=said.weekday()) + timedelta(weeks=step)).isoformat()
    if unit == "weekend":
        return (said - timedelta(days=said.weekday() - 5) + timedelta(weeks=step)).isoformat()
    if unit == "month":
        months = said.year * 12 + said.month - 1 + step
        return f"{months // 12:04}-{months % 12 + 1:02}"
    return f"{said.year + step:04}" if unit == "year" else None


def _weekday(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    if low[at] not in DAYS or not at or low[at - 1] not in ("on", "last", "this", "next", "since"):
        return None
    ahead = future or low[at - 1] == "next"
    days = (DAYS.index(low[at]) - said.weekday()) % 7
    return (said + timedelta(days=(days or 7) if ahead else days - 7)).isoformat()


def _ago(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    if low[at] != "ago" or at < 2:
        return None
    unit, count = low[at - 1].removesuffix("s"), low[at - 2]
    if unit not in _UNITS:
        return None
    number = NUMBERS.get(count) or (int(count) if count.isdecimal() and len(count) < 4 else 0)
    if not number:
        return None
    if unit == "year":
        return f"{said.year - number:04}"
    if unit == "month":
        months = said.year * 12 + said.month - 1 - number
        return f"{months // 12:04}-{months % 12 + 1:02}"
    return (said - timedelta(days=number * _UNITS[unit])).isoformat()


def _year(t: Sequence[str], low: list[str], at: int, said: date, future: bool) -> str | None:
    before = low[at - 1] if at else ""
    named = before in ("in", "since", "of", "year", "from", "early", "late", "around")
    return low[at] if named and _YEAR.match(low[at]) else None
