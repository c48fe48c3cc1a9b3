"""Write the records of an export to a user's store and threads, merged with what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.stored_messages import index_of
from threadkeep.stores.namespaces import (
    Namespace,
    abandoned_of,
    messages_of,
    notes_of,
    threads_of,
)
from threadkeep.transfer.export_format import DERIVED_KINDS, KINDS, STATE, THREAD_KINDS
from threadkeep.transfer.export_records import Record
from threadkeep.transfer.forgotten_records import ForgottenRecords, ImportedItem
from threadkeep.transfer.merge import merge_value
from threadkeep.transfer.state_writer import StateWriter
from threadkeep.transfer.thread_mapping import replace_thread_ids

LABELS = {kind: label for label, kind in KINDS.items()}
UNINDEXED_KINDS = frozenset(
    "thread abandoned note usage correction identity pin blob blob_use".split()
)
EXPIRING_KINDS = frozenset({"thread", "message", "abandoned"})
"""Kinds that expire with their thread."""
Place = tuple[Namespace, str]


@dataclass(kw_only=True)
class RecordWriter:
    """Writes batches of records in the order of the file."""

    store: BaseStore
    owner: str
    states: StateWriter
    thread_ids: Mapping[str, str]
    """Ids of threads in this store, by their ids in the file."""
    thread_names: Mapping[str, str]
    """Names of threads in this store, by their ids in this store."""
    ttl_minutes: float | None
    forgotten: ForgottenRecords
    new_messages: int = 0
    changed_items: int = 0
    _thread_ttls: dict[str, float] = field(default_factory=dict)
    """Lifetimes in minutes, of threads that have their own."""
    _abandoned: set[tuple[str, str]] = field(default_factory=set)
    """Messages that are active in the file and on an abandoned branch in this store."""
    _corrected: set[tuple[str, str]] = field(default_factory=set)
    """Messages that get the text of the file; their notes and their successors do too."""
    _last_messages: dict[str, str] = field(default_factory=dict)
    """The message of each thread that was read last."""

    async def write(self, batch: Sequence[Record]) -> None:
        """Write the new and changed items of a batch, then its states, which rest on them."""
        items = [
            self._item(record) for record in batch if record["kind"] not in (*DERIVED_KINDS, STATE)
        ]
        stored = await self._read(items)
        items = await self.forgotten.without(items, {place[1] for place in stored})
        puts: dict[Place, PutOp] = {}
        for item in items:
            if not self._is_on_other_branch(item, stored):
                self._add_puts(item, stored.get((item.namespace, item.key)), puts)
        if puts:
            await self.store.abatch(list(puts.values()))
            self.changed_items += len(puts)
        for record in batch:
            if record["kind"] == STATE:
                await self._write_state(record)

    def _item(self, record: Record) -> ImportedItem:
        """Return a record with the namespace, key and value that it gets in this store."""
        kind, key = record["kind"], record["id"]
        value = replace_thread_ids(record["value"], self.thread_ids)
        if kind == "thread":
            return self._thread_item(self.thread_ids[key], value)
        if kind in THREAD_KINDS:
            namespace = (self.owner, LABELS[kind], self.thread_ids[record["thread"]])
            return ImportedItem(kind, namespace, key, value)
        if kind == "usage":
            key = f"{value['thread']} {value['day']} {value['purpose']}"
        labels = [LABELS[kind]] if kind in LABELS else record["namespace"]
        return ImportedItem(kind, (self.owner, *labels), key, value)

    def _thread_item(self, thread: str, value: Record) -> ImportedItem:
        if name := self.thread_names[thread]:
            value = {**value, "name": name}
        if minutes := value.get("ttl_minutes"):
            self._thread_ttls[thread] = minutes
        return ImportedItem("thread", threads_of(self.owner), thread, value)

    async def _read(self, items: Sequence[ImportedItem]) -> dict[Place, Record]:
        """Return the stored values at the places of items, and at their other branch."""
        places = [(item.namespace, item.key) for item in items]
        places += [place for item in items for place in _other_branch(item)]
        ops = [GetOp(namespace, key, refresh_ttl=False) for namespace, key in places]
        results = await self.store.abatch(ops)
        return {
            place: result.value
            for place, result in zip(places, results, strict=True)
            if isinstance(result, Item)
        }

    def _is_on_other_branch(self, item: ImportedItem, stored: Mapping[Place, Record]) -> bool:
        """Return whether this store has a message, or its note, on the other side of a branch."""
        if item.kind == "note":
            return item.message_id in self._abandoned
        others = [stored[place] for place in _other_branch(item) if place in stored]
        if item.kind == "message" and others:
            self._abandoned.add(item.message_id)
        if item.kind == "abandoned" and others:
            return bool({*_wordings(others[0])} & {*_wordings(item.value["message"])})
        return bool(others)

    def _add_puts(self, item: ImportedItem, old: Record | None, puts: dict[Place, PutOp]) -> None:
        value = self._merge(item, old)
        place = (item.namespace, item.key)
        if item.kind == "message" and item.message_id in self._corrected:
            # The note of the new text follows later in the file, if there is one.
            notes = notes_of(self.owner, item.namespace[2])
            puts[notes, item.key] = PutOp(notes, item.key, None)
        if value != old or place in puts:
            index = False if item.kind in UNINDEXED_KINDS else index_of(value)
            puts[place] = PutOp(*place, value, index=index, ttl=self._ttl(item))
            self.new_messages += item.kind == "message" and old is None

    def _merge(self, item: ImportedItem, old: Record | None) -> Record:
        """Return the value to store; of a corrected message the note and `before` follow it."""
        value = merge_value(item.kind, old, item.value)
        if item.kind == "note" and item.message_id in self._corrected:
            return item.value
        if item.kind == "message":
            thread = item.namespace[2]
            if old is not None and value["text"] != old["text"]:
                self._corrected.add(item.message_id)
            if (thread, self._last_messages.get(thread, "")) in self._corrected:
                value = {**value, "before": item.value["before"]}
            self._last_messages[thread] = item.key
        return value

    def _ttl(self, item: ImportedItem) -> float | None:
        if item.kind not in EXPIRING_KINDS:
            return None
        thread = item.key if item.kind == "thread" else item.namespace[2]
        return self._thread_ttls.get(thread, self.ttl_minutes)

    async def _write_state(self, record: Record) -> None:
        thread = self.thread_ids[record["thread"]]
        if thread in self.forgotten.threads:
            return  # It holds words that were forgotten.
        value = replace_thread_ids(record["value"], self.thread_ids)
        if (thread, str(value.get("stored_through"))) in self._abandoned:
            return  # The user has undone it in this store.
        name = self.thread_names.get(thread) or thread
        await self.states.write(thread, name, value, self._thread_ttls.get(thread))


def _other_branch(item: ImportedItem) -> list[Place]:
    """Return the places of a message when it is on the other side of a branch."""
    if item.kind == "message":
        abandoned = abandoned_of(item.namespace[0], item.namespace[2])
        return [(abandoned, message_version(item.key, text)) for text in _wordings(item.value)]
    if item.kind == "abandoned":
        return [(messages_of(item.namespace[0], item.namespace[2]), item.value["id"])]
    return []


def _wordings(value: Record) -> list[str]:
    """Return the text of a message, and its texts before corrections."""
    return [value["text"], *(old["text"] for old in value.get("history") or ())]
