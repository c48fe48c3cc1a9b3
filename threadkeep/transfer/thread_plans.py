"""Plan an import: which thread each conversation belongs to, and what changes in it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from langgraph.store.base import BaseStore

from threadkeep.base.clock import parse_time
from threadkeep.base.errors import BadInput
from threadkeep.base.validation import MAX_ID_CHARACTERS
from threadkeep.knowledge.stored_thread import StoredThread
from threadkeep.knowledge.stored_thread_items import read_stored_thread
from threadkeep.stores.namespaces import all_messages_of, thread_id, threads_of
from threadkeep.stores.pages import ALL, items_in
from threadkeep.transfer.forgotten import ForgottenMarks
from threadkeep.transfer.import_messages import prepare_messages
from threadkeep.transfer.importers.transcript import Conversation, TranscriptMessage
from threadkeep.transfer.thread_merge import Entry, ImportedPart, merge_thread

MAX_SAME_NAMES = 10_000


@dataclass(kw_only=True)
class ThreadPlan:
    """A thread before and after an import."""

    thread: str
    old_record: dict[str, Any]
    record: dict[str, Any]
    before: StoredThread
    after: StoredThread
    messages: list[str] = field(default_factory=list)
    """Ids of the messages of the file, in its order."""

    @property
    def new(self) -> int:
        """How many messages of the file were not stored before."""
        stored = {id_ for id_, _ in self.before.active}
        stored |= {entry["id"] for entry in self.before.abandoned.values()}
        return len(set(self.messages) - stored)


@dataclass(kw_only=True)
class ImportPlanner:
    """Plans the import of one user's conversations."""

    store: BaseStore
    owner: str
    recorded_at: datetime
    marks: ForgottenMarks
    records: dict[str, dict[str, Any]]
    """Records of the user's threads, by id."""
    threads: set[str]
    """Ids of threads that have messages."""
    user_erased_at: datetime | None
    plans: dict[str, ThreadPlan] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    """Names of threads by the names in the file, where another thread had the name."""
    forgotten: int = 0
    """Messages left out because they were erased before."""
    inactive: int = 0
    """Messages left out because another fork of their thread is the active one."""

    @classmethod
    async def open(
        cls, store: BaseStore, owner: str, recorded_at: datetime, *, again: bool = False
    ) -> "ImportPlanner":
        """Return a planner that knows the threads of the user."""
        marks = ForgottenMarks.open(store, owner, again=again)
        prefix = all_messages_of(owner)
        spaces = await store.alist_namespaces(prefix=prefix, limit=ALL)
        return cls(
            store=store,
            owner=owner,
            recorded_at=recorded_at,
            marks=marks,
            records={
                item.key: dict(item.value) async for item in items_in(store, threads_of(owner))
            },
            threads={space[2] for space in spaces if len(space) > len(prefix)},
            user_erased_at=await marks.user_erased_at(),
        )

    async def add(self, conversation: Conversation, messages: Sequence[TranscriptMessage]) -> None:
        """Plan the import of one conversation.

        Raises:
            BadInput: too many threads have its name.
        """
        thread, name = await self._thread_of(conversation, messages)
        plan = await self._plan(thread)
        entries = await asyncio.to_thread(
            prepare_messages, messages, self.owner, thread, self.recorded_at
        )
        record = plan.record
        if "family" in record and not record.get("active"):
            self.inactive += len(entries)
            return
        erased = await self._erased(plan, conversation, messages, entries)
        self.forgotten += len(erased)
        entries = [entry for entry in entries if entry[0] not in erased]
        if not entries and not plan.after.active:
            self.plans.pop(thread)
            return
        await self._merge(plan, conversation, entries, name)

    async def _merge(
        self, plan: ThreadPlan, conversation: Conversation, entries: list[Entry], name: str
    ) -> None:
        record = plan.record
        imported = record.get("imported") or {}
        is_older = (*(imported.get("version") or ("", 0)),) > conversation.version
        number = _imported_count(record, plan.after)
        part = ImportedPart(
            messages=entries,
            is_complete=conversation.is_complete,
            is_older=conversation.is_complete and is_older,
        )
        live = len(plan.after.active) - number
        plan.after = await asyncio.to_thread(merge_thread, plan.after, number, part)
        plan.messages += [id_ for id_, _ in entries]
        plan.record = _record(record, plan.after, entries, name)
        if live:
            plan.record["begins_at"] = len(plan.after.active) - live
        if conversation.id is not None and not part.is_older:
            plan.record["imported"] = {
                "source": conversation.source,
                "id": conversation.id,
                "version": list(conversation.version),
            }

    async def _plan(self, thread: str) -> ThreadPlan:
        if thread not in self.plans:
            record = self.records.get(thread, {})
            stored = StoredThread(active=[], abandoned={}, notes={})
            if record or thread in self.threads:
                stored = await read_stored_thread(self.store, self.owner, thread)
            self.plans[thread] = ThreadPlan(
                thread=thread,
                old_record=record,
                record=dict(record),
                before=stored,
                after=stored,
            )
        return self.plans[thread]

    async def _thread_of(
        self, conversation: Conversation, messages: Sequence[TranscriptMessage]
    ) -> tuple[str, str]:
        """Return id and name of the thread of a conversation, an existing one or a new one."""
        title = messages[0].thread
        if conversation.id is not None:
            for thread, record in self._all_records():
                imported = record.get("imported") or {}
                if (imported.get("source"), imported.get("id")) == (
                    conversation.source,
                    conversation.id,
                ):
                    return thread, str(record.get("name") or title)
        for number in range(1, MAX_SAME_NAMES + 1):
            suffix = "" if number == 1 else f" ({number})"
            name = title[: MAX_ID_CHARACTERS - len(suffix)].strip() + suffix
            thread = thread_id(self.owner, name)
            if await self._is_same_or_free(thread, conversation, messages):
                if number > 1 and thread not in self.records:
                    self.renamed[title] = name
                return thread, name
        raise BadInput(f"There are {MAX_SAME_NAMES:,} threads called {title!r:.60} already.")

    def _all_records(self) -> list[tuple[str, Mapping[str, Any]]]:
        planned = {thread: plan.record for thread, plan in self.plans.items()}
        return list({**self.records, **planned}.items())

    async def _is_same_or_free(
        self, thread: str, conversation: Conversation, messages: Sequence[TranscriptMessage]
    ) -> bool:
        """Return whether a thread has messages of the conversation, or does not exist."""
        is_stored = thread in self.records or thread in self.threads
        if not is_stored and thread not in self.plans:
            return True
        plan = await self._plan(thread)
        if conversation.id is not None and (plan.record.get("imported") or {}).get("id"):
            return False
        entries = await asyncio.to_thread(
            prepare_messages, messages, self.owner, thread, self.recorded_at
        )
        stored = {id_ for id_, _ in plan.after.active}
        stored |= {entry["id"] for entry in plan.after.abandoned.values()}
        return not stored or any(id_ in stored for id_, _ in entries)

    async def _erased(
        self,
        plan: ThreadPlan,
        conversation: Conversation,
        messages: Sequence[TranscriptMessage],
        entries: Sequence[Entry],
    ) -> set[str]:
        """Return the ids of messages that were erased before, and are not stored again since."""
        stored = {id_ for id_, _ in plan.after.active}
        stored |= {entry["id"] for entry in plan.after.abandoned.values()}
        missing = {id_ for id_, _ in entries} - stored
        if not missing:
            return set()
        thread = thread_id(self.owner, messages[0].thread)
        erased_at = await self.marks.thread_erased_at(thread)
        if conversation.id is not None and conversation.id != messages[0].thread:
            erased_at = await self.marks.conversation_erased_at(
                conversation.source, conversation.id
            )
        if erased_at and not plan.after.active:
            return missing
        times = [time for time in (erased_at, self.user_erased_at) if time]
        limit = max(times, default=None)
        erased = await self.marks.erased_messages([e for e in entries if e[0] in missing])
        if limit:
            pairs = zip(messages, entries, strict=True)
            erased |= {
                id_
                for message, (id_, value) in pairs
                if id_ in missing and (not message.has_time or parse_time(value["time"]) <= limit)
            }
        return erased


def _imported_count(record: Mapping[str, Any], thread: StoredThread) -> int:
    """Return how many of a thread's messages were imported; what was said here follows them."""
    if record.get("last_message") is None:
        return len(thread.active)
    return min(int(record.get("begins_at") or 0), len(thread.active))


def _record(
    old: Mapping[str, Any], thread: StoredThread, entries: Sequence[Entry], name: str
) -> dict[str, Any]:
    times = [value["time"] for _, value in entries]
    created = [*times, *([old["created"]] if old.get("created") else [])]
    used = [*times, *([old["last_used"]] if old.get("last_used") else [])]
    return {
        **old,
        "name": old.get("name") or name,
        "created": min(created, default=""),
        "last_used": max(used, default=""),
        "turns": sum(value.get("role") == "user" for _, value in thread.active),
    }
