"""Merge an imported conversation with the thread that an earlier import stored."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from threadkeep.knowledge.message_versions import message_version, note_value
from threadkeep.knowledge.stored_thread import StoredThread

Value = dict[str, Any]
Entry = tuple[str, Value]
"""Id and value of a message."""


@dataclass(frozen=True, kw_only=True)
class ImportedPart:
    """Messages of one conversation as a file has them."""

    messages: Sequence[Entry]
    is_complete: bool
    """Whether stored messages that the file lacks are on another branch."""
    is_older: bool
    """Whether an earlier import had a newer version of the conversation."""


def merge_thread(stored: StoredThread, imported: int, part: ImportedPart) -> StoredThread:
    """Return the thread after an import; its first `imported` messages were imported before.

    What was said here since stays behind them. Messages that the newest version of the
    conversation lacks are abandoned, as those of a branch that was left.
    """
    thread = stored.copy()
    current, live = thread.active[:imported], thread.active[imported:]
    path = _merged_path(current, part)
    _abandon(thread, current, {id_ for id_, _ in path})
    inactive = {entry["id"]: version for version, entry in thread.abandoned.items()}
    present = {id_ for id_, _ in (*current, *live)}
    restored: list[Entry] = []
    for id_, value in path:
        if id_ in inactive:
            entry = thread.abandoned.pop(inactive[id_])
            value, note = entry["message"], entry["note"]
        else:
            note = thread.notes.get(id_) if id_ in present else note_value(id_, value)
        if note:
            thread.notes[id_] = note
        restored.append((id_, value))
    if part.is_older:
        _add_abandoned(thread, part.messages, {id_ for id_, _ in path} | inactive.keys())
    live_ids = {id_ for id_, _ in live}
    thread.active = _renumbered([entry for entry in restored if entry[0] not in live_ids], live)
    return thread


def _merged_path(current: Sequence[Entry], part: ImportedPart) -> list[Entry]:
    """Return the messages of the current branch, in order."""
    stored = dict(current)
    if part.is_complete:
        path = current if part.is_older else part.messages
    else:
        path = _merge_by_time(current, part.messages)
    return [(id_, stored.get(id_, value)) for id_, value in path]


def _merge_by_time(current: Sequence[Entry], messages: Sequence[Entry]) -> list[Entry]:
    """Return the file's messages in its order, others that are stored between them by time."""
    ids = {id_ for id_, _ in messages}
    newest: dict[str, str] = {}
    for _, value in (*current, *messages):
        if source := value.get("source_id"):
            newest[source] = max(newest.get(source, ""), value["time"])
    sources = {value["source_id"]: value for _, value in messages if value.get("source_id")}
    extras = [
        (id_, value)
        for id_, value in current
        if id_ not in ids
        # Another text under the same id is an edit; the newest holds.
        and not (value.get("source_id") in sources and value["time"] < newest[value["source_id"]])
    ]
    merged: list[Entry] = []
    remaining = iter(extras)
    extra = next(remaining, None)
    for entry in messages:
        while extra is not None and extra[1]["time"] <= entry[1]["time"]:
            merged.append(extra)
            extra = next(remaining, None)
        merged.append(entry)
    return merged + ([extra, *remaining] if extra is not None else [])


def _abandon(thread: StoredThread, current: Sequence[Entry], path: Set[str]) -> None:
    """Abandon the imported messages that are not on the path."""
    after = ""
    for id_, value in current:
        version = message_version(id_, str(value.get("text")))
        if id_ not in path:
            note = thread.notes.pop(id_, None)
            entry = {"id": id_, "after": after, "message": value, "note": note}
            thread.abandoned[version] = entry
        after = version


def _add_abandoned(thread: StoredThread, messages: Sequence[Entry], known_ids: Set[str]) -> None:
    """Store messages of an older version of the conversation, on the branch that was left."""
    after = ""
    for id_, value in messages:
        version = message_version(id_, value["text"])
        if id_ not in known_ids:
            note = note_value(id_, value)
            entry = {"id": id_, "after": after, "message": value, "note": note}
            thread.abandoned[version] = entry
        after = version


def _renumbered(imported: Sequence[Entry], live: Sequence[Entry]) -> list[Entry]:
    """Return all messages with positions and the text before each; live positions stay."""
    start = int(live[0][1]["position"]) - len(imported) if live else 0
    entries: list[Entry] = []
    before = ""
    for number, (id_, value) in enumerate((*imported, *live)):
        position = start + number if number < len(imported) else value["position"]
        if value.get("position") != position or value.get("before") != before:
            value = {**value, "position": position, "before": before}
        entries.append((id_, value))
        before = str(value.get("text"))
    return entries
