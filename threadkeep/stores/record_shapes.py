"""The fields without which a stored record cannot be used, by the label of its namespace."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from threadkeep.stores.namespaces import OWNER_FORM

REQUIRED: Mapping[str, Mapping[str, type]] = {
    "messages": {"role": str, "text": str, "position": int, "time": str},
    "abandoned": {"id": str, "after": str, "message": dict},
    "entities": {"name": str, "mentions": int, "sources": list, "text": str},
    "facts": {"subject": str, "predicate": str, "object": str, "sources": list, "text": str},
    "notes": {"said_at": str},
    "corrections": {"fact": str, "at": str},
    "pinned": {"pins": list},
    "usage": {"calls": int},
    "open": {"name": str},
    "threads": {},
}
OPTIONAL: Mapping[str, type | tuple[type, ...]] = {
    "aliases": list,
    "attributes": dict,
    "before": str,
    "changed": dict,
    "context": dict,
    "corrected": dict,
    "entities": list,
    "facts": list,
    "history": list,
    "last_used": str,
    "metadata": dict,
    "note": (dict, type(None)),
    "recorded_at": str,
    "state": dict,
    "turns": int,
}
"""Types of fields that may be absent or None."""


def is_intact(namespace: Sequence[str], value: object) -> bool:
    """Return whether a record has the shape that its namespace promises.

    Records outside the labels of this package are intact as long as they are objects.
    """
    if not isinstance(value, dict):
        return False
    if len(namespace) < 2 or not OWNER_FORM.fullmatch(namespace[0]):
        return True
    label = namespace[1]
    if (required := REQUIRED.get(label)) is None:
        return True
    for field, type_ in required.items():
        if not isinstance(value.get(field), type_):
            return False
    for field in value.keys() & OPTIONAL.keys():
        content = value[field]
        if content is not None and not isinstance(content, OPTIONAL[field]):
            return False
    if label == "abandoned":
        return is_intact((namespace[0], "messages"), value["message"])
    return label not in ("messages", "notes") or _is_moment(value)


def _is_moment(value: Mapping[str, Any]) -> bool:
    try:
        datetime.fromisoformat(value["time"] if "time" in value else value["said_at"])
    except (TypeError, ValueError):
        return False
    return True
