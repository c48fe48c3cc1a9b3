"""The clock and the time zone of the memory that is at work."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from threadkeep.base.errors import BadInput

Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""
DAY_CHARACTERS = 10


def system_clock() -> datetime:
    """Return the present moment of this machine."""
    return datetime.now(UTC)


_clock: ContextVar[Clock] = ContextVar("clock", default=system_clock)
_zone: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


def now() -> datetime:
    """Return the present moment by the clock in use."""
    return _clock.get()()


def set_clock(clock: Clock, zone: tzinfo | None = None) -> None:
    """Use this clock and zone from here on; for a process that has one memory only."""
    _clock.set(clock)
    _zone.set(zone)


@contextmanager
def use_clock(clock: Clock, zone: tzinfo | None = None) -> Iterator[None]:
    """Use this clock and zone inside the block, in this task and those that it starts.

    `zone` is the user's time zone; None is that of the system.
    """
    tokens = _clock.set(clock), _zone.set(zone)
    try:
        yield
    finally:
        _clock.reset(tokens[0])
        _zone.reset(tokens[1])


def as_local(moment: datetime) -> datetime:
    """Return a moment in the user's time zone; one without zone is taken to be of that zone."""
    zone = _zone.get()
    if moment.tzinfo is None and zone is not None:
        return moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError, OSError):
        # At the ends of the calendar.
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def utc_offset(moment: datetime) -> int:
    """Return the user's UTC offset at a moment, in minutes."""
    offset = as_local(moment).utcoffset() or timedelta()
    return round(offset.total_seconds() / 60)


def local_time_of(message: Mapping[str, Any]) -> datetime:
    """Return when a stored message was said, where it was said: in its own UTC offset, if any."""
    moment, minutes = parse_time(str(message["time"])), message.get("utc_offset")
    if not isinstance(minutes, int):
        return as_local(moment)
    try:
        return moment.astimezone(timezone(timedelta(minutes=minutes)))
    except (OverflowError, ValueError):
        return moment


def local_day(time: str) -> str:
    """Return the day of an ISO 8601 time in the user's zone; a date, year or month stays."""
    return local_minute(time)[:DAY_CHARACTERS]


def local_minute(time: str) -> str:
    """Return an ISO 8601 time as date and minute in the user's zone; a date stays."""
    if len(time) > DAY_CHARACTERS:
        try:
            return as_local(parse_time(time)).isoformat(" ", "minutes")[:16]
        except BadInput:
            return time[:16]
    return time


def parse_time(text: str, field: str = "time") -> datetime:
    """Return `text` as an aware moment in UTC; without a zone it is taken as UTC.

    Raises:
        BadInput: `text` is not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{field} {text[:60]!r} is not ISO 8601; write it like 2026-03-04T09:30:00+00:00."
        ) from error
