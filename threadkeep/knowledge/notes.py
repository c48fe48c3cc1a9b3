"""Notes: what one message says about people and things, as the store holds it.

Entities and facts are derived from the notes, and rebuilt from them when a message is forgotten,
edited or abandoned with its branch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langgraph.store.base import Item, PutOp

from threadkeep.base.clock import local_time_of, now
from threadkeep.extract.extraction import Extraction
from threadkeep.extract.rules import extract
from threadkeep.stores.namespaces import notes_of

USER = "user"


@dataclass(frozen=True, kw_only=True)
class Note:
    """What one message says."""

    message: str
    thread: str
    time: str
    """When the message was said, ISO 8601."""
    extraction: Extraction
    written_at: str = ""
    order_at: str = ""
    """When it counts as told, where that is not `time`."""

    @property
    def order(self) -> str:
        """When it counts as told, among all claims."""
        return self.order_at or self.time

    @property
    def stated_names(self) -> Iterator[str]:
        """The names of its entities, and the subjects and objects of its claims."""
        for entity in self.extraction.entities:
            yield entity.name
        for fact in self.extraction.facts:
            yield fact.subject
            yield fact.object

    @property
    def value(self) -> dict[str, Any]:
        """The note as it is stored."""
        extraction = self.extraction.model_dump(exclude_defaults=True)
        order = {"order_at": self.order_at} if self.order_at else {}
        return {"said_at": self.time, "written_at": self.written_at, **order, **extraction}

    @classmethod
    def of(cls, item: Item) -> "Note":
        """Return a stored note."""
        value = item.value
        return cls(
            message=item.key,
            thread=item.namespace[-1],
            time=str(value["said_at"]),
            extraction=Extraction.model_validate(value, extra="ignore"),
            written_at=str(value.get("written_at") or ""),
            order_at=str(value.get("order_at") or ""),
        )


def note_by_rules(message_id: str, message: Mapping[str, Any]) -> Note | None:
    """Return the note of a stored message; None for the assistant, who is no evidence."""
    if message.get("role") != USER and not message.get("name"):
        return None
    time = str(message["time"])
    speaker = str(message.get("name") or USER)
    return Note(
        message=message_id,
        thread=str(message.get("thread") or ""),
        time=time,
        extraction=extract(
            str(message["text"]), speaker=speaker, written_at=local_time_of(message)
        ),
    )


def split_by_message(extraction: Extraction, texts: Sequence[str]) -> list[Extraction]:
    """Return what each of these messages says, by the number of it that each fact has.

    An entity is of every message that names it, else of the last.
    """
    last = len(texts)
    parts = []
    for number, text in enumerate(texts, 1):
        facts = [
            fact
            for fact in extraction.facts
            if number == (fact.message if 0 < fact.message <= last else last)
        ]
        entities = [
            entity
            for entity in extraction.entities
            if entity.name in text or (number == last and not any(entity.name in t for t in texts))
        ]
        parts.append(Extraction(entities=entities, facts=facts))
    return parts


def non_empty(notes: Iterable[Note]) -> list[Note]:
    """Return the notes that say anything, with the time at which they are written."""
    present = now().isoformat()
    return [
        replace(note, written_at=note.written_at or present)
        for note in notes
        if note.extraction.entities or note.extraction.facts
    ]


def put_ops(owner: str, notes: Iterable[Note]) -> list[PutOp]:
    """Return the operations that store notes. Notes are read by key and never searched."""
    return [PutOp(notes_of(owner, note.thread), note.message, note.value) for note in notes]
