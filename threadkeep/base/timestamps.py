"""Times as other programs write them: numbers since 1970 in any unit, and strings."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from threadkeep.base.clock import as_local
from threadkeep.base.errors import BadInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = ((1e11, 1), (1e14, 10**3), (1e17, 10**6), (1e20, 10**9))
"""Numbers below the first value count in so many parts of a second: s, ms, µs, ns."""
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_NAMED_UTC = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)
_FRACTION = re.compile(r"(\.\d{6})\d+")
MIN_YEAR_DIGITS = 4


@dataclass(frozen=True)
class Timestamp:
    """A moment, and the UTC offset that it was written with."""

    time: datetime
    """Aware, in UTC."""
    utc_offset: int | None = None
    """In minutes; None for a number, a time without zone, and "Z", which names no place."""


def parse_timestamp(value: object) -> Timestamp:
    """Return a time given as ISO 8601, as a mail header has it, or as a number since 1970.

    A time without a zone is one of the user's zone (see `as_local`).

    Raises:
        BadInput: it is neither, or outside of the years 1 to 9999.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Timestamp(_since_epoch(value))
        if isinstance(value, str):
            return _parse_text(value.strip())
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    raise BadInput(
        f"The time {value!r:.60} cannot be read; write it like 2026-03-04T09:30:00+00:00."
    )


def _since_epoch(number: float) -> datetime:
    for limit, parts in UNITS:
        if abs(number) < limit:
            if isinstance(number, int):
                return EPOCH + timedelta(microseconds=number * 10**6 // parts)
            return EPOCH + timedelta(seconds=number / parts)
    raise ValueError(number)


def _parse_text(text: str) -> Timestamp:
    if _NUMBER.fullmatch(text):
        # Four digits are a year, eight a date.
        if len(text) in (MIN_YEAR_DIGITS, 8) and text.isdecimal():
            return _stamp(datetime.strptime(text, "%Y%m%d" if len(text) == 8 else "%Y"), text)
        return Timestamp(_since_epoch(float(text) if "." in text else int(text)))
    normal = _FRACTION.sub(r"\1", _NAMED_UTC.sub("Z", text))
    try:
        return _stamp(datetime.fromisoformat(normal), normal)
    except ValueError:
        return _stamp(parsedate_to_datetime(text), text)


def _stamp(moment: datetime, text: str) -> Timestamp:
    offset = moment.utcoffset()
    if offset is None:
        return Timestamp(as_local(moment).astimezone(UTC))
    is_utc = text[-1:] in "zZ" or text.endswith(("-0000", "-00:00"))
    minutes = None if is_utc else round(offset.total_seconds() / 60)
    return Timestamp(moment.astimezone(UTC), minutes)
