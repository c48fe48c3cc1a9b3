"""Which items a search's filter lets through; operators as in LangGraph's own stores."""

from collections.abc import Callable, Mapping
from typing import Any


def fits(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Tell whether an item's value has every wanted value."""
    return all(_holds(value.get(key), told) for key, told in (wanted or {}).items())


def _holds(value: Any, told: Any) -> bool:
    if not isinstance(told, dict) or not any(key.startswith("$") for key in told):
        return bool(value == told)
    tests: dict[str, Callable[[Any], bool]] = {
        "$eq": lambda other: value == other,
        "$ne": lambda other: value != other,
        "$gt": lambda other: value > other,
        "$gte": lambda other: value >= other,
        "$lt": lambda other: value < other,
        "$lte": lambda other: value <= other,
    }
    return all(tests[operator](other) for operator, other in told.items())
