"""The clock of the memory that is at work, so that a test and a demonstration can set it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from threadkeep.base.errors import BadInput

Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""


def system_clock() -> datetime:
    """Return the present moment of this machine."""
    return datetime.now(UTC)


_clock: ContextVar[Clock] = ContextVar("clock", default=system_clock)


def now() -> datetime:
    """Return the present moment by the clock in use."""
    return _clock.get()()


def set_clock(clock: Clock) -> None:
    """Let `now` go by this clock from here on; for a process that has one memory only."""
    _clock.set(clock)


@contextmanager
def use_clock(clock: Clock) -> Iterator[None]:
    """Let `now` go by this clock inside the block, in this task and those that it starts."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


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
