"""Values of environment variables; anything but a string is a caller's argument and stays.

Raises, all of them where a string cannot be used:
    StorageFailed: an address or a number.
    BadInput: a moment or a time zone.
"""

import re
from zoneinfo import ZoneInfo

from threadkeep.base.clock import parse_time
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput, StorageFailed

MINUTES_PER_DAY = 24 * 60


def read_database(value: object) -> object:
    """Return the database of an address."""
    return parse_database(value) if isinstance(value, str) else value


def read_item_database(value: object) -> object:
    """Return the database of the items; Redis holds none."""
    if not isinstance(value, str):
        return value
    database = parse_database(value, "THREADKEEP_STORE_DB")
    if database.kind == "redis":
        raise StorageFailed(
            f"THREADKEEP_STORE_DB {str(database)!r} cannot hold the long-term store; "
            "name a SQLite file or a PostgreSQL database."
        )
    return database


def read_chroma_url(value: object) -> object:
    """Return the address of a Chroma server."""
    if isinstance(value, str) and not re.fullmatch(r"https?://[^/\s]+/?", value):
        raise StorageFailed(
            f"THREADKEEP_CHROMA_URL {value[:80]!r} is no address of a Chroma server; "
            "write it like http://127.0.0.1:8000."
        )
    return value


def read_days(value: object) -> object:
    """Return minutes; a string comes from the environment and counts days."""
    if not isinstance(value, str):
        return value
    minutes = _number(value) * MINUTES_PER_DAY
    if not 0 < minutes < 1e9:
        raise StorageFailed(
            f"THREADKEEP_TTL_DAYS {value!r:.40} is no number of days; write it like 30 or 0.5."
        )
    return minutes


def read_seconds(value: object) -> object:
    """Return a number of seconds, up to a day."""
    if not isinstance(value, str):
        return value
    if not 0 <= (seconds := _number(value)) <= 86_400:
        raise StorageFailed(
            f"THREADKEEP_STOP_SECONDS {value!r:.40} is no number of seconds; write it like 30."
        )
    return seconds


def read_presence(value: object) -> object:
    """Return True for any string: the variable of a switch only has to be there."""
    return True if isinstance(value, str) else value


def read_absence(value: object) -> object:
    """Return False for any string: the variable turns something off."""
    return False if isinstance(value, str) else value


def read_moment(value: object) -> object:
    """Return a moment, ISO 8601."""
    return parse_time(value, "THREADKEEP_NOW") if isinstance(value, str) else value


def read_zone(value: object) -> object:
    """Return a time zone by its name."""
    try:
        return ZoneInfo(value.strip().removeprefix(":")) if isinstance(value, str) else value
    except (LookupError, ValueError, OSError) as error:
        raise BadInput(
            f"THREADKEEP_TIME_ZONE {value!r:.60} is no time zone; write it like Europe/Oslo."
        ) from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
