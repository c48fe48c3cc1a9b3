"""Check items against the filter of a search, alike in every store, with and without a query.

Operators are those of LangGraph's stores. Where these differ, an item that lacks the field or has a
value of another type is left out, as PostgreSQL does; None is equal to an absent field.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from operator import ge, gt, le, lt
from typing import Any

import orjson

ABSENT = object()
"""The value of a field that an item lacks."""


def validate_filter(conditions: Any) -> dict[str, Any]:
    """Return a filter as JSON would hold it; times and UUIDs become strings, as in stored values.

    Raises:
        ValueError: it is no object, holds what JSON cannot, or has an unknown operator.
    """
    if not isinstance(conditions, Mapping):
        raise ValueError(f"The filter {conditions!r:.60} is not an object of fields and values.")
    try:
        plain: dict[str, Any] = _plain(dict(conditions))
    except (TypeError, ValueError) as error:
        raise ValueError(f"The filter {conditions!r:.60} is not JSON ({error}).") from None
    for condition in plain.values():
        _validate(condition)
    return plain


def matches_filter(value: Mapping[str, Any], conditions: Mapping[str, Any] | None) -> bool:
    """Tell whether an item's value meets every condition.

    A key with dots that is not a field itself is a path into nested objects.

    Raises:
        ValueError: an operator is unknown.
    """
    return all(_meets(_field(value, key), test) for key, test in (conditions or {}).items())


def _plain(value: Any) -> Any:
    """Return a value as JSON would hold it; numbers beyond all others stay, to compare with."""
    if isinstance(value, float) and not isfinite(value):
        return value
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return orjson.loads(orjson.dumps(value))


def _validate(condition: Any) -> None:
    if isinstance(condition, dict):
        if _has_operators(condition):
            for operator in condition:
                _test_of(operator)
        for nested in condition.values():
            _validate(nested)
    elif isinstance(condition, list):
        for nested in condition:
            _validate(nested)


def _field(value: Mapping[str, Any], key: str) -> Any:
    if key in value:
        return value[key]
    nested: Any = value
    for part in key.split("."):
        nested = nested.get(part, ABSENT) if isinstance(nested, Mapping) else ABSENT
    return nested


def _meets(value: Any, condition: Any) -> bool:
    if isinstance(condition, Mapping) and _has_operators(condition):
        return all(_test_of(operator)(value, operand) for operator, operand in condition.items())
    if isinstance(condition, Mapping):
        return isinstance(value, Mapping) and all(
            _meets(value.get(key, ABSENT), nested) for key, nested in condition.items()
        )
    if isinstance(condition, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(condition)
            and all(map(_meets, value, condition))
        )
    return _equal(value, condition)


def _has_operators(condition: Mapping[str, Any]) -> bool:
    return any(str(key).startswith("$") for key in condition)


def _test_of(operator: str) -> Callable[[Any, Any], bool]:
    test = OPERATORS.get(operator)
    if test is None:
        raise ValueError(
            f"The filter has the unknown operator {operator!r:.40}; use {', '.join(OPERATORS)}."
        )
    return test


def _equal(value: Any, operand: Any) -> bool:
    if value is ABSENT:
        return operand is None
    # In JSON true is not 1.
    return isinstance(value, bool) == isinstance(operand, bool) and bool(value == operand)


def _not_equal(value: Any, operand: Any) -> bool:
    return value is not ABSENT and not _equal(value, operand)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        for kind in (str, int | float):
            if isinstance(value, kind) and isinstance(operand, kind):
                is_number = not isinstance(value, bool) and not isinstance(operand, bool)
                return is_number and compare(value, operand)
        return False

    return test


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": _not_equal,
    "$gt": _ordered(gt),
    "$gte": _ordered(ge),
    "$lt": _ordered(lt),
    "$lte": _ordered(le),
}
