"""Wordings of a stored message: each id and text is one version, with its own note."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from threadkeep.base.tokens import count_text
from threadkeep.knowledge.notes import non_empty, note_by_rules

Value = dict[str, Any]


def message_version(message: str, text: str) -> str:
    """Return the key of one wording of a message; 32 hex characters."""
    return sha256(f"{message}\0{text}".encode("utf-8", "replace")).hexdigest()[:32]


def reworded(value: Value, text: str) -> Value:
    """Return a stored message with another text and no history."""
    others = {key: field for key, field in value.items() if key != "history"}
    return {**others, "text": text, "tokens": count_text(text)}


def corrected(value: Value, text: str, at: str) -> Value:
    """Return a stored message as its user corrected it, its former text in the history."""
    history = [*value.get("history", ()), {"text": str(value.get("text")), "until": at}]
    return {**reworded(value, text), "history": history}


def note_value(message: str, value: Mapping[str, Any]) -> Value | None:
    """Return the note of a stored message as it is stored; None if the message states nothing."""
    note = note_by_rules(message, value)
    notes = non_empty([note]) if note else []
    return notes[0].value if notes else None
