"""Records of an export that were erased here since: they stay out of a restore."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from langgraph.store.base import BaseStore

from threadkeep.base.clock import parse_time
from threadkeep.stores.namespaces import Namespace, threads_of
from threadkeep.stores.pages import items_in
from threadkeep.transfer.forgotten import ForgottenMarks

Record = dict[str, Any]
THREAD_PARTS = frozenset({"message", "abandoned", "note"})


class ImportedItem(NamedTuple):
    """A record with its place in this store."""

    kind: str
    namespace: Namespace
    key: str
    value: Record

    @property
    def message_id(self) -> tuple[str, str]:
        """Thread and id of a message, or of the message of a note."""
        return self.namespace[2], self.key


class ForgottenRecords:
    """Takes out the records of threads and messages that were erased."""

    def __init__(self, marks: ForgottenMarks, stored: set[str], user: datetime | None) -> None:
        self._marks = marks
        self._stored_threads = stored
        self._user_erased_at = user
        self._erased_threads: dict[str, bool] = {}
        self._erased_messages: set[tuple[str, str]] = set()
        self.threads: set[str] = set()
        """Ids of threads of which something stays out."""
        self.count = 0
        """How many messages stay out."""

    @classmethod
    async def open(cls, store: BaseStore, owner: str, *, again: bool = False) -> "ForgottenRecords":
        """Return what is known to be erased; nothing with `again`."""
        marks = ForgottenMarks.open(store, owner, again=again)
        stored = {item.key async for item in items_in(store, threads_of(owner))}
        return cls(marks, stored, await marks.user_erased_at())

    async def without(
        self, items: Sequence[ImportedItem], stored: Collection[str]
    ) -> list[ImportedItem]:
        """Return the items without those that were erased; what is stored again stays."""
        messages = [
            (item, item.value if item.kind == "message" else item.value["message"])
            for item in items
            if item.kind in ("message", "abandoned") and item.key not in stored
        ]
        entries = [(str(value.get("id") or item.key), value) for item, value in messages]
        erased = await self._marks.erased_messages(entries)
        for (item, value), (id_, _) in zip(messages, entries, strict=True):
            at = self._user_erased_at
            if id_ in erased or (at and parse_time(value["time"]) <= at):
                self._erased_messages.add((item.namespace[2], item.key))
        return [item for item in items if not await self._is_erased(item)]

    async def _is_erased(self, item: ImportedItem) -> bool:
        if item.kind not in (*THREAD_PARTS, "thread"):
            return False
        thread = item.key if item.kind == "thread" else item.namespace[2]
        is_part = item.kind in THREAD_PARTS and item.message_id in self._erased_messages
        if not is_part and not await self._is_thread_erased(thread, item):
            return False
        self.threads.add(thread)
        self.count += item.kind == "message"
        return True

    async def _is_thread_erased(self, thread: str, item: ImportedItem) -> bool:
        if thread in self._stored_threads:
            return False
        if thread not in self._erased_threads:
            imported = (item.value.get("imported") or {}) if item.kind == "thread" else {}
            at = await self._marks.thread_erased_at(
                thread, str(imported.get("source") or ""), imported.get("id")
            )
            if self._user_erased_at and item.kind == "thread":
                created = item.value.get("last_used")
                at = at or (
                    self._user_erased_at
                    if not created or parse_time(created) <= self._user_erased_at
                    else None
                )
            self._erased_threads[thread] = at is not None
        return self._erased_threads[thread]
