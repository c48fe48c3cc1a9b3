"""Which of a thread's stored messages lie on the branch that its state stands on.

Messages of other branches are left: kept aside, word for word, where no search and no listing
looks. A message is told by its id and its text, so that an edited one is another version.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from threadkeep.base.clock import parse_time
from threadkeep.base.tokens import count_text
from threadkeep.extract.rules import extract
from threadkeep.knowledge.fold import Noted, telling

Value = dict[str, Any]
USER = "user"


def version(message: str, text: str) -> str:
    """Return what tells one wording of a message from another; 32 hex characters."""
    return sha256(f"{message}\0{text}".encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a state stands: the last of its stored messages, and the wording of those it holds."""

    through: str
    stored: int
    texts: Mapping[str, str] = field(default_factory=dict)
    """Text by id, of the stored messages that the state still holds."""
    removed: Set[str] = frozenset()
    """Ids of stored messages that somebody took out of the state."""


@dataclass(kw_only=True)
class Kept:
    """The stored messages of one thread: those that count, those that were left, and the notes."""

    active: list[tuple[str, Value]]
    """Id and value, in their order."""
    left: dict[str, Value]
    """By version: `id`, the version before it (`after`), `message`, `note`."""
    notes: dict[str, Value]

    def turn_to(self, head: Head, begins_at: int = 0) -> None:
        """Let the messages on the way to `head` count, and no others.

        The first `begins_at` messages were imported and are no part of any branch.
        """
        head = replace(head, texts=self._as_corrected(head.texts))
        keep, back = self._way(head)
        self.leave_from(max(keep, begins_at))
        for each in back:
            self._bring_back(each)
        self._remove(head.removed)
        self._reword(head.texts)

    def correct(self, message: str, old: str, text: str, at: str) -> None:
        """Let a message say `text` on every branch on which it says `old`."""
        was, now_ = version(message, old), version(message, text)
        for place, (each, value) in enumerate(self.active):
            if each == message and value.get("text") == old:
                self.active[place] = (each, corrected(value, text, at))
                self._learn(each, self.active[place][1])
                self._mend(place + 1)
        if entry := self.left.pop(was, None):
            value = corrected(entry["message"], text, at)
            self.left[now_] = {**entry, "message": value, "note": note_of(message, value)}
        for entry in self.left.values():
            if entry["after"] == was:
                entry["after"] = now_

    def _as_corrected(self, texts: Mapping[str, str]) -> Mapping[str, str]:
        """Return wordings of a state as they were corrected since."""
        values = [(entry["id"], entry["message"]) for entry in self.left.values()] + self.active
        there = {(message, value.get("text")) for message, value in values}
        said = {
            (message, old["text"]): str(value["text"])
            for message, value in values
            for old in value.get("history") or ()
            if (message, old["text"]) not in there
        }
        return {m: said.get((m, text), text) for m, text in texts.items()} if said else texts

    def _learn(self, message: str, value: Value) -> None:
        if note := note_of(message, value):
            self.notes[message] = note
        else:
            self.notes.pop(message, None)

    def leave_from(self, keep: int, but: Set[str] = frozenset()) -> None:
        """Leave the messages from the `keep`-th on, but not those with these ids."""
        versions = self._versions()
        for place in range(len(self.active) - 1, keep - 1, -1):
            if self.active[place][0] not in but:
                self._leave(place, versions[place - 1] if place else "")

    def _way(self, head: Head) -> tuple[int, list[str]]:
        """Return how many of the active messages lie on the way, and which come back after them."""
        if not head.through:
            return 0, []
        versions = self._versions()
        at = self._find(head, versions)
        back: list[str] = []
        while at and at not in versions:
            if at not in self.left or at in back:
                # What was before it is forgotten: its place in the thread tells where it was.
                first = self.left[back[-1]]["message"]["position"] if back else head.stored
                ahead = [v["position"] < first for _, v in self.active]
                return sum(ahead), back[::-1]
            back.append(at)
            at = self.left[at]["after"]
        return (versions.index(at) + 1 if at else 0), back[::-1]

    def _find(self, head: Head, versions: Sequence[str]) -> str:
        """Return the version on which the state stands."""
        wanted = head.texts.get(head.through)
        if wanted is not None:
            return version(head.through, wanted)
        for (message, _), each in zip(self.active, versions, strict=True):
            if message == head.through:
                return each
        mine = [each for each, entry in self.left.items() if entry["id"] == head.through]
        return mine[-1] if mine else version(head.through, "")

    def _versions(self) -> list[str]:
        return [version(message, str(value.get("text"))) for message, value in self.active]

    def _leave(self, place: int, after: str) -> None:
        message, value = self.active.pop(place)
        self.left[version(message, str(value.get("text")))] = {
            "id": message,
            "after": after,
            "message": value,
            "note": self.notes.pop(message, None),
        }

    def _bring_back(self, each: str) -> None:
        entry = self.left.pop(each)
        self.active.append((entry["id"], entry["message"]))
        self.active.sort(key=lambda one: int(one[1]["position"]))
        if entry["note"]:
            self.notes[entry["id"]] = entry["note"]

    def _remove(self, removed: Set[str]) -> None:
        for place in range(len(self.active) - 1, -1, -1):
            if self.active[place][0] in removed:
                self._leave(place, self._versions()[place - 1] if place else "")
                self._mend(place)

    def _reword(self, texts: Mapping[str, str]) -> None:
        for place, (message, value) in enumerate(self.active):
            text = texts.get(message)
            if text is None or text == value.get("text"):
                continue
            after = self._versions()[place - 1] if place else ""
            self._leave(place, after)
            known = self.left.pop(version(message, text), None)
            new = known["message"] if known else reworded(value, text)
            self.active.insert(place, (message, new))
            note = known["note"] if known else note_of(message, new)
            if note:
                self.notes[message] = note
            self._mend(place + 1)
        missing = [
            each
            for each, entry in self.left.items()
            if entry["id"] in texts
            and each == version(entry["id"], texts[entry["id"]])
            and all(entry["id"] != message for message, _ in self.active)
        ]
        for each in missing:
            self._bring_back(each)

    def _mend(self, place: int) -> None:
        """Let a message know again what was said before it, for the index."""
        if place < len(self.active):
            message, value = self.active[place]
            before = str(self.active[place - 1][1].get("text")) if place else ""
            self.active[place] = (message, {**value, "before": before})


def reworded(value: Value, text: str) -> Value:
    """Return a stored message in another wording, which has no history yet."""
    kept = {key: told for key, told in value.items() if key != "history"}
    return {**kept, "text": text, "tokens": count_text(text)}


def corrected(value: Value, text: str, at: str) -> Value:
    """Return a stored message as its user has corrected it, with what it said before."""
    history = [*value.get("history", ()), {"text": str(value.get("text")), "until": at}]
    return {**reworded(value, text), "history": history}


def note_of(message: str, value: Value) -> Value | None:
    """Return what a message teaches, by rules; the assistant's own words are not evidence."""
    if value.get("role") != USER and not value.get("name"):
        return None
    said_at: datetime = parse_time(str(value["time"]))
    found = extract(str(value["text"]), speaker=str(value.get("name") or USER), said_at=said_at)
    thread = str(value.get("thread") or "")
    told = telling(
        [Noted(message=message, thread=thread, said_at=str(value["time"]), extraction=found)]
    )
    return told[0].value if told else None
