"""Check items against the filter of a search; operators as in LangGraph's own stores."""

from collections.abc import Callable, Mapping
from typing import Any


def matches_filter(value: Mapping[str, Any], conditions: Mapping[str, Any] | None) -> bool:
    """Tell whether an item's value meets every condition."""
    return all(_meets(value.get(key), condition) for key, condition in (conditions or {}).items())


def _meets(value: Any, condition: Any) -> bool:
    if not isinstance(condition, dict) or not any(key.startswith("$") for key in condition):
        return bool(value == condition)
    tests: dict[str, Callable[[Any], bool]] = {
        "$eq": lambda operand: value == operand,
        "$ne": lambda operand: value != operand,
        "$gt": lambda operand: value > operand,
        "$gte": lambda operand: value >= operand,
        "$lt": lambda operand: value < operand,
        "$lte": lambda operand: value <= operand,
    }
    return all(tests[operator](operand) for operator, operand in condition.items())
