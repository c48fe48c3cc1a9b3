"""What the values of a state's fields must be beyond their types."""

from math import isfinite
from typing import Any

from threadkeep.base.clock import parse_time
from threadkeep.base.errors import BadInput

MAX_POINTER_CHARACTERS = 10_000
"""Of the id of a message; ids of threads made by older versions may be long."""
NUMBERS = (
    *("system", "pinned", "summary", "entities", "facts", "memories", "recent", "newest"),
    *("prompt", "reserve", "free", "limit", "counted", "reply"),
)
"""Entries of a ledger that are tokens."""
GROUPS = ("reported", "internal")
"""Entries of a ledger that hold others."""


def check_time(text: str) -> str:
    """Return a moment as ISO 8601, or an empty text.

    Raises:
        ValueError: it is neither.
    """
    try:
        return str(parse_time(text) and text) if text else text
    except BadInput as error:
        raise ValueError(str(error)) from None


def check_ledger(ledger: dict[str, Any]) -> dict[str, Any]:
    """Return a ledger whose tokens are numbers.

    Raises:
        ValueError: an entry has the wrong type; the sentence names it.
    """
    for name in NUMBERS:
        value = ledger.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"{name} is not a number")
    for name in GROUPS:
        if not isinstance(ledger.get(name, {}), dict):
            raise ValueError(f"{name} is not an object")
    return ledger


def check_place(place: list[str]) -> list[str]:
    """Return the namespace and key of an item.

    Raises:
        ValueError: a part is missing or empty.
    """
    if len(place) < 2 or not all(place):
        raise ValueError("a place is the labels of a namespace, and a key")
    return place
