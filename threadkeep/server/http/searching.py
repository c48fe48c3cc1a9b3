"""What searches of threads and assistants share: filters, order, selected fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from threadkeep.base.errors import BadInput


def contains(value: Any, part: Any) -> bool:
    """Return whether a JSON value contains another, as PostgreSQL's `@>` does for objects."""
    if isinstance(value, dict) and isinstance(part, dict):
        return all(name in value and contains(value[name], part[name]) for name in part)
    return bool(value == part)


def choice_of(value: Any, name: str, choices: Sequence[str]) -> str | None:
    """Return one of the choices, None for null.

    Raises:
        BadInput: the value is none of them.
    """
    if value is None:
        return None
    if value not in choices:
        raise BadInput(f"{name} {value!r:.40} is not offered; use {', '.join(choices)}.")
    return str(value)


def fields_of(value: Any, names: Sequence[str]) -> Sequence[str]:
    """Return the fields that a client selects, all of them for null.

    Raises:
        BadInput: the value is not a list of these names.
    """
    if value is None:
        return names
    if not isinstance(value, list) or not all(name in names for name in value):
        raise BadInput(f"select {value!r:.60} is not a list of {', '.join(names)}.")
    return value


def refuse_options(options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse options that this server does not follow.

    Raises:
        BadInput: one of them is set.
    """
    for name in names:
        if options.get(name):
            raise BadInput(f"{name} is not offered by this server; leave it out.")
