"""The stored messages of one thread, and which of them are on the branch of its state.

Messages of other branches are abandoned: kept word for word where no search and no listing reads
them. A message is identified by its id and its text, so an edited one is another version.
"""

from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, replace

from threadkeep.knowledge.branch_head import Head
from threadkeep.knowledge.message_versions import (
    Value,
    corrected,
    message_version,
    note_value,
    reworded,
)


@dataclass(kw_only=True)
class StoredThread:
    """The active and the abandoned messages of one thread, and the notes of the active ones."""

    active: list[tuple[str, Value]]
    """Id and value, in order."""
    abandoned: dict[str, Value]
    """By version: `id`, `after` (the version before it), `message`, `note`."""
    notes: dict[str, Value]
    """By message id."""

    def copy(self) -> "StoredThread":
        """Return a copy that can be changed and compared with this one."""
        return deepcopy(self)

    def switch_to(self, head: Head, begins_at: int = 0) -> None:
        """Make the messages on the path to `head` active, and abandon all others.

        The first `begins_at` messages were imported and are on every branch.
        """
        head = replace(head, texts=self._with_corrections(head.texts))
        count, versions = self._path_to(head)
        self.abandon_from(max(count, begins_at))
        for version in versions:
            self._restore(version)
        self._abandon_removed(head.removed)
        self._reword(head.texts)
        self._restore_missing(head.texts)

    def abandon_from(self, start: int, keep: Set[str] = frozenset()) -> None:
        """Abandon the messages from position `start` on, except those with an id in `keep`."""
        versions = self._versions()
        for place in range(len(self.active) - 1, start - 1, -1):
            if self.active[place][0] not in keep:
                self._abandon(place, versions[place - 1] if place else "")

    def correct(self, message: str, old: str, text: str, at: str) -> None:
        """Replace the text `old` of a message by `text` on every branch that has it."""
        old_version, new_version = message_version(message, old), message_version(message, text)
        for place, (message_id, value) in enumerate(self.active):
            if message_id == message and value.get("text") == old:
                value = corrected(value, text, at)
                self.active[place] = (message, value)
                self.notes.pop(message, None)
                self._put_note(message, note_value(message, value))
                self._refresh_before(place + 1)
        if entry := self.abandoned.pop(old_version, None):
            value = corrected(entry["message"], text, at)
            note = note_value(message, value)
            self.abandoned[new_version] = {**entry, "message": value, "note": note}
        for entry in self.abandoned.values():
            if entry["after"] == old_version:
                entry["after"] = new_version

    def _with_corrections(self, texts: Mapping[str, str]) -> Mapping[str, str]:
        """Return the texts of a state with corrections that were made since."""
        values = [(entry["id"], entry["message"]) for entry in self.abandoned.values()]
        values += self.active
        stored = {(message, value.get("text")) for message, value in values}
        new_texts = {
            (message, old["text"]): str(value["text"])
            for message, value in values
            for old in value.get("history") or ()
            if (message, old["text"]) not in stored
        }
        return {message: new_texts.get((message, text), text) for message, text in texts.items()}

    def _path_to(self, head: Head) -> tuple[int, list[str]]:
        """Return how many active messages are on the path, and the versions to restore after."""
        if not head.through:
            return 0, []
        versions = self._versions()
        at = self._version_of(head, versions)
        path: list[str] = []
        while at and at not in versions:
            if at not in self.abandoned or at in path:
                # The message before it was erased: go by the positions in the thread.
                position = self.abandoned[path[-1]]["message"]["position"] if path else head.stored
                count = sum(value["position"] < position for _, value in self.active)
                return count, path[::-1]
            path.append(at)
            at = self.abandoned[at]["after"]
        return (versions.index(at) + 1 if at else 0), path[::-1]

    def _version_of(self, head: Head, versions: Sequence[str]) -> str:
        """Return the version of the message that `head` names."""
        text = head.texts.get(head.through)
        if text is not None:
            return message_version(head.through, text)
        for (message, _), version in zip(self.active, versions, strict=True):
            if message == head.through:
                return version
        matches = [key for key, entry in self.abandoned.items() if entry["id"] == head.through]
        return matches[-1] if matches else message_version(head.through, "")

    def _versions(self) -> list[str]:
        return [message_version(message, str(value.get("text"))) for message, value in self.active]

    def _abandon(self, place: int, after: str) -> None:
        message, value = self.active.pop(place)
        self.abandoned[message_version(message, str(value.get("text")))] = {
            "id": message,
            "after": after,
            "message": value,
            "note": self.notes.pop(message, None),
        }

    def _restore(self, version: str) -> None:
        entry = self.abandoned.pop(version)
        self.active.append((entry["id"], entry["message"]))
        self.active.sort(key=lambda pair: int(pair[1]["position"]))
        self._put_note(entry["id"], entry["note"])

    def _abandon_removed(self, removed: Set[str]) -> None:
        for place in range(len(self.active) - 1, -1, -1):
            if self.active[place][0] in removed:
                self._abandon(place, self._versions()[place - 1] if place else "")
                self._refresh_before(place)

    def _reword(self, texts: Mapping[str, str]) -> None:
        """Give the active messages the texts of the state; abandon their former versions."""
        for place, (message, value) in enumerate(self.active):
            text = texts.get(message)
            if text is None or text == value.get("text"):
                continue
            self._abandon(place, self._versions()[place - 1] if place else "")
            entry = self.abandoned.pop(message_version(message, text), None)
            new = entry["message"] if entry else reworded(value, text)
            self.active.insert(place, (message, new))
            self._put_note(message, entry["note"] if entry else note_value(message, new))
            self._refresh_before(place + 1)

    def _restore_missing(self, texts: Mapping[str, str]) -> None:
        """Restore the messages of the state that are abandoned in just this wording."""
        active = {message for message, _ in self.active}
        missing = [
            version
            for version, entry in self.abandoned.items()
            if entry["id"] in texts
            and version == message_version(entry["id"], texts[entry["id"]])
            and entry["id"] not in active
        ]
        for version in missing:
            self._restore(version)

    def _put_note(self, message: str, note: Value | None) -> None:
        if note:
            self.notes[message] = note

    def _refresh_before(self, place: int) -> None:
        """Update the text of the message before, which the index holds with a message."""
        if place < len(self.active):
            message, value = self.active[place]
            before = str(self.active[place - 1][1].get("text")) if place else ""
            self.active[place] = (message, {**value, "before": before})
