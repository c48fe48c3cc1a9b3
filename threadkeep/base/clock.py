"""The clock: one function, so that a test and a demonstration can set it."""

from datetime import UTC, datetime

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import fixed_time


def now() -> datetime:
    """Return the present moment in UTC, or what `THREADKEEP_NOW` sets it to.

    Raises:
        BadInput: `THREADKEEP_NOW` is not ISO 8601.
    """
    fixed = fixed_time()
    return parse_time(fixed, "THREADKEEP_NOW") if fixed else datetime.now(UTC)


def parse_time(text: str, what: str = "time") -> datetime:
    """Return `text` as an aware moment in UTC; without a zone it is taken as UTC.

    Raises:
        BadInput: `text` is not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{what} {text[:60]!r} is not ISO 8601; write it like 2026-03-04T09:30:00+00:00."
        ) from error
