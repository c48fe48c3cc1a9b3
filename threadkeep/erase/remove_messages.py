"""Remove messages from the stored messages of a thread: active ones, abandoned ones, notes."""

from collections.abc import Mapping, Set
from typing import Any

from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.stored_thread import StoredThread

Value = dict[str, Any]
Entry = tuple[str, Value]
"""Id and value of a stored message."""


def remove_messages(
    stored: StoredThread, erased: Set[str], positions: Set[int], texts: Set[str]
) -> None:
    """Remove messages, and update the positions and the `before` texts of the others.

    `positions` and `texts` are those of the erased messages.
    """
    predecessors = _Predecessors(stored, erased)
    stored.active = _without_active(stored.active, erased, positions, texts)
    abandoned: dict[str, Value] = {}
    for version, entry in stored.abandoned.items():
        if entry["id"] in erased:
            continue
        after, before = predecessors.remaining(entry["after"])
        value = entry["message"]
        if value.get("before") not in texts:
            before = str(value.get("before") or "")
        abandoned[version] = {
            **entry,
            "after": after,
            "message": _moved(value, before, positions),
        }
    stored.abandoned = abandoned
    stored.notes = {key: note for key, note in stored.notes.items() if key not in erased}


def text_of(value: Mapping[str, Any]) -> str:
    """Return the text of a stored message."""
    return str(value.get("text") or "")


def _without_active(
    active: list[Entry], erased: Set[str], positions: Set[int], texts: Set[str]
) -> list[Entry]:
    remaining: list[Entry] = []
    follows_erased = False
    for message, value in active:
        if message in erased:
            follows_erased = True
            continue
        before = str(value.get("before") or "")
        if follows_erased or before in texts:
            before = text_of(remaining[-1][1]) if remaining else ""
        remaining.append((message, _moved(value, before, positions)))
        follows_erased = False
    return remaining


def _moved(value: Value, before: str, positions: Set[int]) -> Value:
    """Return a message at its new position, after another text."""
    position = int(value.get("position") or 0)
    position -= sum(erased < position for erased in positions)
    return {**value, "position": position, "before": before}


class _Predecessors:
    """The version before each version of a thread's messages, across all branches."""

    def __init__(self, stored: StoredThread, erased: Set[str]) -> None:
        self._erased = erased
        self._entries: dict[str, tuple[str, str, str]] = {}
        """By version: id, text, the version before."""
        previous = ""
        for message, value in stored.active:
            version = message_version(message, text_of(value))
            self._entries[version] = (message, text_of(value), previous)
            previous = version
        for version, entry in stored.abandoned.items():
            self._entries[version] = (entry["id"], text_of(entry["message"]), entry["after"])

    def remaining(self, version: str) -> tuple[str, str]:
        """Return this version, or the nearest one before it that remains, and its text."""
        visited: set[str] = set()
        while version in self._entries and version not in visited:
            message, text, previous = self._entries[version]
            if message not in self._erased:
                return version, text
            visited.add(version)
            version = previous
        return version, self._entries[version][1] if version in self._entries else ""
