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
    "identities": {"kind": str, "at": str, "keys": list},
    "aliases": {"entity": str},
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
    "merged": bool,
    "messages": list,
    "metadata": dict,
    "note": (dict, type(None)),
    "recorded_at": str,
    "roles": list,
    "state": dict,
    "turns": int,
}
"""Types of fields that may be absent or None."""
_TYPE_WORDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    list: "a list",
    dict: "an object",
}


def is_intact(namespace: Sequence[str], value: object) -> bool:
    """Return whether a record has the shape that its namespace promises."""
    return flaw_of(namespace, value) is None


def flaw_of(namespace: Sequence[str], value: object) -> str | None:
    """Return the field that keeps a record from being used, and what it has to be; None if none.

    Records outside the labels of this package have no flaw as long as they are objects.
    """
    if not isinstance(value, dict):
        return "the value, which is no object"
    if len(namespace) < 2 or not OWNER_FORM.fullmatch(namespace[0]):
        return None
    label = namespace[1]
    if (required := REQUIRED.get(label)) is None:
        return None
    for field, type_ in required.items():
        if not isinstance(value.get(field), type_):
            return f"{field}, which has to be {_TYPE_WORDS[type_]}"
    for field in sorted(value.keys() & OPTIONAL.keys()):
        content = value[field]
        if content is not None and not isinstance(content, types := OPTIONAL[field]):
            word = _TYPE_WORDS[types if isinstance(types, type) else types[0]]
            return f"{field}, which has to be {word}"
    if label == "abandoned":
        flaw = flaw_of((namespace[0], "messages"), value["message"])
        return flaw and f"message.{flaw}"
    field = "time" if "time" in value else "said_at"
    if label in ("messages", "notes") and not _is_moment(value[field]):
        return f"{field}, which has to be a time in ISO 8601"
    return None


def refuse_flaw(namespace: Sequence[str], value: Mapping[str, Any] | None) -> None:
    """Refuse to write a record that could not be used; None deletes one.

    Raises:
        ValueError: a field is missing or has the wrong type; the sentence names it.
    """
    if value is not None and (flaw := flaw_of(namespace, {**value})):
        raise ValueError(
            f"The namespace {'.'.join(namespace[1:])!r:.80} holds what the memory itself keeps; "
            f"this value lacks {flaw}. Use another label for values of your own."
        )


def _is_moment(time: Any) -> bool:
    try:
        datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return False
    return True
