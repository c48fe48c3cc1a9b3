"""Export a user's memory as JSON lines, which `restore` reads and `report` shows."""

from collections.abc import AsyncIterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from langchain_core.messages import messages_to_dict
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore, Item

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import USER_KEY, acting_user
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.graph.agent import builder
from threadkeep.opened import Opened
from threadkeep.stores.namespaces import (
    Namespace,
    blob_uses_of,
    blobs_of,
    corrections_of,
    entities_of,
    facts_of,
    identities_of,
    messages_of,
    pinned_of,
    thread_id,
    thread_id_for,
    threads_of,
    usage_of,
    user_key,
)
from threadkeep.stores.pages import count_items, items_by_key, items_in, list_namespaces
from threadkeep.transfer.export_format import (
    END,
    HEADER,
    ITEM,
    KINDS,
    SCHEMA,
    STATE,
    THREAD_LABELS,
    TRANSIENT_LABELS,
    VERSION,
    Checksum,
    format_record,
)
from threadkeep.transfer.state_json import CHANNELS

Record = dict[str, Any]


def export_user(opened: Opened, user_id: str, *, thread: str | None = None) -> AsyncIterator[str]:
    """Return the lines of a user's memory, or of their thread of that name.

    Items are read a page at a time. A change during the export may be in it or not.

    Raises:
        AccessRefused: the acting user (see `threadkeep/base/user.py`) is another one, or missing.
        BadInput: the thread does not exist; raised with the first line.
    """
    user = validate_id(user_id, "user")
    if acting_user() != user:
        raise AccessRefused(f"The memory of {user!r} is given to nobody else; export your own.")
    return _lines(opened, user, thread)


async def _lines(opened: Opened, user: str, thread: str | None) -> AsyncIterator[str]:
    exporter, checksum = await _open_exporter(opened, user, thread), Checksum()
    async for record in exporter.records():
        line = format_record(record)
        checksum.add(line.encode())
        yield line
    end = {"kind": END, "records": checksum.records, "sha256": checksum.hexdigest}
    yield format_record(end)


async def _open_exporter(opened: Opened, user: str, thread: str | None) -> "_Exporter":
    store, only = opened.store, ""
    owner = await user_key(store, user)
    if thread is not None:
        name = validate_id(thread, "thread")
        only = thread_id_for(owner, name)
        if await store.aget(threads_of(owner), only, refresh_ttl=False) is None:
            raise BadInput(
                f"User {user!r} has no thread {name!r}; see threadkeep threads list for the names."
            )
    namespaces = [
        namespace
        for namespace in await list_namespaces(store, owner)
        if len(namespace) > 1 and namespace[1] not in TRANSIENT_LABELS
    ]
    return _Exporter(
        store=store,
        user=user,
        owner=owner,
        namespaces=namespaces,
        # Without blobs: a state is exported with references, and each blob once.
        graph=builder.compile(checkpointer=OwnedSaver(opened.inner_saver)),
        created=opened.clock(),
        only=only,
    )


@dataclass(frozen=True, kw_only=True)
class _Exporter:
    """Reads the records of one user."""

    store: BaseStore
    user: str
    owner: str
    namespaces: list[Namespace]
    graph: CompiledStateGraph[Any, Any, Any, Any]
    created: datetime
    only: str
    """The id of the only thread to export; empty for all."""

    async def records(self) -> AsyncIterator[Record]:
        """Yield the header, each thread with its records, then what belongs to no thread."""
        yield await self._header()
        async for thread in self._thread_ids():
            async for record in self._thread_records(thread):
                yield record
        async for record in self._blobs():
            yield record
        async for record in self._knowledge():
            yield record
        if not self.only:
            async for record in self._further_items():
                yield record

    async def _header(self) -> Record:
        header: Record = {
            "kind": HEADER,
            "schema": SCHEMA,
            "version": VERSION,
            "created": self.created.isoformat(),
            "user": self.user,
        }
        if self.only:
            return header | {"thread": self.only}
        counts: dict[str, int] = {}
        for namespace in self.namespaces:
            kind = KINDS.get(namespace[1], ITEM)
            counts[kind] = counts.get(kind, 0) + await count_items(self.store, namespace)
        return header | {"counts": counts}

    async def _thread_ids(self) -> AsyncIterator[str]:
        """Yield the ids of threads from the oldest on; those without a record come first."""
        if self.only:
            yield self.only
            return
        created = {
            namespace[2]: ""
            for namespace in self.namespaces
            if namespace[1] in THREAD_LABELS and len(namespace) > 2
        }
        async for item in items_in(self.store, threads_of(self.owner)):
            created[item.key] = str(item.value.get("created") or "")
        for thread in sorted(created, key=lambda thread: (created[thread], thread)):
            yield thread

    async def _thread_records(self, thread: str) -> AsyncIterator[Record]:
        item = await self.store.aget(threads_of(self.owner), thread, refresh_ttl=False)
        value = item.value if item else {}
        # A restore makes a new id from the name; see transfer/thread_mapping.py.
        has_derived_id = thread_id(self.owner, str(value.get("name") or "")) == thread
        yield {"kind": "thread", "id": thread, "named": has_derived_id, "value": value}
        messages = messages_of(self.owner, thread)
        order = [
            (int(item.value.get("position") or 0), str(item.value.get("time") or ""), item.key)
            async for item in items_in(self.store, messages)
        ]
        keys = [key for _, _, key in sorted(order)]
        async for item in items_by_key(self.store, messages, keys):
            yield _record(item, thread=thread)
        for label in THREAD_LABELS[1:]:
            async for item in items_in(self.store, (self.owner, label, thread)):
                yield _record(item, thread=thread)
        if state := await self._state(thread):
            yield {"kind": STATE, "thread": thread, "value": state}

    async def _blobs(self) -> AsyncIterator[Record]:
        """Yield the pictures and files, of one thread those that it uses; one at a time."""
        digests = {
            item.key: None
            for namespace in self.namespaces
            if namespace[1:2] == blob_uses_of(self.owner, "")[1:2]
            and self.only in ("", namespace[2])
            async for item in items_in(self.store, namespace)
        }
        for digest in digests:
            item = await self.store.aget(blobs_of(self.owner), digest, refresh_ttl=False)
            if item is not None:
                yield _record(item)

    async def _knowledge(self) -> AsyncIterator[Record]:
        """Yield what belongs to no thread; of one thread what it alone taught."""
        messages: set[str] = set()
        if self.only:
            thread_messages = messages_of(self.owner, self.only)
            messages = {item.key async for item in items_in(self.store, thread_messages)}
        keys: set[str] = set()
        for namespace in (entities_of(self.owner), facts_of(self.owner), usage_of(self.owner)):
            async for item in items_in(self.store, namespace):
                if not self.only or _comes_from(item.value, self.only, messages):
                    keys.add(item.key)
                    yield _record(item)
        async for item in items_in(self.store, corrections_of(self.owner)):
            if not self.only or item.value["fact"] in keys:
                yield _record(item)
        async for item in items_in(self.store, identities_of(self.owner)):
            if not self.only or keys.intersection((*item.value["keys"], item.value["undoes"])):
                keys.add(item.key)
                yield _record(item)

    async def _further_items(self) -> AsyncIterator[Record]:
        """Yield the pins, and the items of labels that threadkeep does not use."""
        async for item in items_in(self.store, pinned_of(self.owner)):
            yield _record(item)
        for namespace in self.namespaces:
            if namespace[1] not in KINDS:
                async for item in items_in(self.store, namespace):
                    yield _record(item, namespace=list(namespace[1:]))

    async def _state(self, thread: str) -> Record:
        """Return the thread's working state as plain JSON, empty without a checkpoint."""
        config = {"configurable": {"thread_id": thread, USER_KEY: self.user}}
        snapshot = await self.graph.aget_state(cast(RunnableConfig, config))
        values = {name: snapshot.values[name] for name in CHANNELS if snapshot.values.get(name)}
        if "messages" in values:
            values["messages"] = messages_to_dict(values["messages"])
        return values


def _comes_from(value: Mapping[str, Any], thread: str, messages: Set[str]) -> bool:
    """Return whether an item comes from one thread alone, which has these messages."""
    sources = value.get("sources")
    return value.get("thread") == thread or bool(sources and set(sources) <= messages)


def _record(item: Item, **place: Any) -> Record:
    kind = ITEM if "namespace" in place else KINDS[item.namespace[1]]
    return {"kind": kind, **place, "id": item.key, "value": item.value}
