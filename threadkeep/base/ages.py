"""Ages: told as of a date, computed for another; exact where a birthday is known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

AGE, BIRTHDAY = "age", "birthday"
MAX_AGE = 130
_MONTHS: Final = {
    name[:size]: number
    for size, names in (
        (
            9,
            "january february march april may june july august september october november december",
        ),
        (3, "jan feb mar apr may jun jul aug sep oct nov dec"),
        (9, "januar februar märz april mai juni juli august september oktober november dezember"),
        (
            10,
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
            "diciembre",
        ),
        (9, "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    )
    for number, name in enumerate(names.split(), 1)
}
_ISO = re.compile(r"(?:(\d{4})|-)-(\d{1,2})-(\d{1,2})")
_WORDS = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True)
class Birthday:
    """A day of birth; the year may be unknown, and the day too where the year is known."""

    year: int | None = None
    month: int | None = None
    day: int | None = None


@dataclass(frozen=True)
class Age:
    """How old somebody is, in years; not exact, it may be one year off."""

    years: int
    exact: bool

    @property
    def words(self) -> str:
        """The age in words: "about 9"."""
        return str(self.years) if self.exact else f"about {self.years}"


def read_birthday(text: str) -> Birthday:
    """Return the birthday that a text is: "2017-05-03", "--05-03", "3 May 2017", "3. Mai"."""
    if match := _ISO.search(text):
        return _checked(int(match[1]) if match[1] else None, int(match[2]), int(match[3]))
    words = [word.casefold() for word in _WORDS.findall(text)]
    month = next((_MONTHS[word] for word in words if word in _MONTHS), None)
    numbers = [int(word) for word in words if word.isdecimal()]
    year = next((number for number in numbers if 1850 <= number <= 2200), None)
    day = next((number for number in numbers if 1 <= number <= 31), None) if month else None
    return _checked(year, month, day)


def age_at(record: Mapping[str, Any], moment: str) -> Age | None:
    """Return how old the subject of a fact about an age is at `moment`, ISO 8601; None if unknown.

    A record holds the age, when it was told (the start of its time) and a birthday if known.
    """
    digits = re.fullmatch(r"(\d{1,3})\b.*", str(record.get("object")))
    intervals = record.get("intervals") or [{"from": record.get("recorded_at")}]
    start, present = _day(str(intervals[-1]["from"])), _day(moment)
    if record.get("predicate") != AGE or not digits or start is None or present is None:
        return None
    age, born = int(digits[1]), read_birthday(str(record.get(BIRTHDAY) or ""))
    if born.month and born.day:
        year = born.year or start.year - age - _before(start, born)
        years, exact = present.year - year - _before(present, born), True
    elif born.year:
        years, exact = present.year - born.year, False
    else:
        # Half a year older than told, on average.
        elapsed = (present - start).days / 365.25
        years, exact = age + max(0, round(elapsed)), elapsed < 1 / 12
    return Age(years, exact) if 0 <= years <= MAX_AGE else None


def _before(day: date, born: Birthday) -> bool:
    """Return whether a day is before the birthday of its year."""
    return (day.month, day.day) < (born.month or 0, born.day or 0)


def _day(text: str) -> date | None:
    """Return the day of a time; of a year its middle, of a month the same."""
    middle = {4: "-07-01", 7: "-15"}.get(len(text), "")
    try:
        return date.fromisoformat(f"{text}{middle}"[:10])
    except ValueError:
        return None


def _checked(year: int | None, month: int | None, day: int | None) -> Birthday:
    try:
        date(year or 2000, month or 1, day or 1)
    except ValueError:
        return Birthday()
    return Birthday(year, month, day)
