"""All that is kept of a user, line by line: what `import` reads and `report` shows."""

from collections.abc import AsyncIterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import messages_to_dict
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore, Item

from threadkeep.base.clock import now
from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import USER_KEY, acting_user
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.graph.agent import builder
from threadkeep.stores.namespaces import (
    Namespace,
    corrections_of,
    entities_of,
    facts_of,
    messages_of,
    pinned_of,
    thread_called,
    thread_id,
    threads_of,
    usage_of,
    user_key,
)
from threadkeep.stores.pages import count_items, items_by_key, items_in, list_namespaces
from threadkeep.transfer.format import (
    END,
    HEADER,
    ITEM,
    KINDS,
    OF_THREAD,
    PASSING,
    SCHEMA,
    STATE,
    VERSION,
    Seal,
    line_of,
)
from threadkeep.transfer.thread_state import KEPT

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Whose memory is exported, and where it is."""

    store: BaseStore
    user: str
    owner: str
    namespaces: list[Namespace]
    graph: CompiledStateGraph[Any, Any, Any, Any]
    only: str = ""
    """The id of the one thread that is wanted; empty for all."""


def export_user(
    store: BaseStore, saver: OwnedSaver, user_id: str, thread: str | None = None
) -> AsyncIterator[str]:
    """Return the lines of a user's memory, or of their thread of that name.

    Memory stays bounded: of a thread's messages only the places are held at once. What changes
    meanwhile may be in it or not.

    Raises:
        AccessRefused: the user who asks (see `threadkeep/base/user.py`) is another one, or nobody.
        BadInput: there is no such thread; raised by the first line.
    """
    user = validate_id(user_id, "user")
    if acting_user() != user:
        raise AccessRefused(f"The memory of {user!r} is given to nobody else; export your own.")
    return _lines(getattr(store, "unguarded", store), saver, user, thread)


async def _lines(
    store: BaseStore, saver: OwnedSaver, user: str, thread: str | None
) -> AsyncIterator[str]:
    source = await _source(store, saver, user, thread)
    seal = Seal()
    async for record in _records(source):
        line = line_of(record)
        seal.add(line.encode())
        yield line
    yield line_of({"kind": END, "records": seal.records, "sha256": seal.hexdigest})


async def _source(store: BaseStore, saver: OwnedSaver, user: str, thread: str | None) -> Source:
    owner, only = await user_key(store, user), ""
    if thread is not None:
        name = validate_id(thread, "thread")
        only = thread_called(owner, name)
        if await store.aget(threads_of(owner), only, refresh_ttl=False) is None:
            raise BadInput(
                f"User {user!r} has no thread {name!r}; see threadkeep threads list for the names."
            )
    namespaces = [
        each
        for each in await list_namespaces(store, owner)
        if len(each) > 1 and each[1] not in PASSING
    ]
    return Source(
        store=store,
        user=user,
        owner=owner,
        namespaces=namespaces,
        graph=builder.compile(checkpointer=saver),
        only=only,
    )


async def _records(source: Source) -> AsyncIterator[Record]:
    """Yield the header, each thread with all it holds, then what is known beside threads."""
    yield await _header(source)
    async for thread in _thread_ids(source):
        async for record in _thread(source, thread):
            yield record
    async for record in _known(source):
        yield record


async def _header(source: Source) -> Record:
    header: Record = {
        "kind": HEADER,
        "schema": SCHEMA,
        "version": VERSION,
        "created": now().isoformat(),
        "user": source.user,
    }
    if source.only:
        return header | {"thread": source.only}
    counts: dict[str, int] = {}
    for namespace in source.namespaces:
        kind = KINDS.get(namespace[1], ITEM)
        counts[kind] = counts.get(kind, 0) + await count_items(source.store, namespace)
    return header | {"counts": counts}


async def _thread_ids(source: Source) -> AsyncIterator[str]:
    """Yield the ids of threads by their age, first of those whose record is gone."""
    if source.only:
        yield source.only
        return
    began = {each[2]: "" for each in source.namespaces if each[1] in OF_THREAD and len(each) > 2}
    async for item in items_in(source.store, threads_of(source.owner)):
        began[item.key] = str(item.value.get("created") or "")
    for thread in sorted(began, key=lambda each: (began[each], each)):
        yield thread


async def _thread(source: Source, thread: str) -> AsyncIterator[Record]:
    store, owner = source.store, source.owner
    item = await store.aget(threads_of(owner), thread, refresh_ttl=False)
    value = item.value if item else {}
    # What a name makes of another user's key is another id; see transfer/thread_mapping.py.
    named = thread_id(owner, str(value.get("name") or "")) == thread
    yield {"kind": "thread", "id": thread, "named": named, "value": value}
    spoken = messages_of(owner, thread)
    places = [
        (int(each.value.get("position") or 0), str(each.value.get("time") or ""), each.key)
        async for each in items_in(store, spoken)
    ]
    async for each in items_by_key(store, spoken, [key for _, _, key in sorted(places)]):
        yield _record(each, thread=thread)
    for label in OF_THREAD[1:]:
        async for each in items_in(store, (owner, label, thread)):
            yield _record(each, thread=thread)
    if state := await _state(source, thread):
        yield {"kind": STATE, "thread": thread, "value": state}


async def _known(source: Source) -> AsyncIterator[Record]:
    """Yield entities, facts and usage; of one thread those that come from it alone."""
    store, owner = source.store, source.owner
    told: set[str] | None = None
    if source.only:
        told = {item.key async for item in items_in(store, messages_of(owner, source.only))}
    facts: set[str] = set()
    for namespace in (entities_of(owner), facts_of(owner), usage_of(owner)):
        async for item in items_in(store, namespace):
            if told is None or _comes_from(item.value, source.only, told):
                facts.add(item.key)
                yield _record(item)
    async for item in items_in(store, corrections_of(owner)):
        if told is None or item.value["fact"] in facts:
            yield _record(item)
    if told is None:
        async for item in items_in(store, pinned_of(owner)):
            yield _record(item)
    for namespace in source.namespaces:
        if namespace[1] in KINDS or source.only:
            continue
        async for item in items_in(store, namespace):
            yield _record(item, namespace=list(namespace[1:]))


def _comes_from(value: Mapping[str, Any], thread: str, told: Set[str]) -> bool:
    """Tell whether an item comes from one thread alone, whose messages are `told`."""
    sources = value.get("sources")
    return value.get("thread") == thread or bool(sources and set(sources) <= told)


def _record(item: Item, **place: Any) -> Record:
    kind = ITEM if "namespace" in place else KINDS[item.namespace[1]]
    return {"kind": kind, **place, "id": item.key, "value": item.value}


async def _state(source: Source, thread: str) -> Record:
    """Return the thread's working state as plain JSON; nothing where it has none."""
    config = {"configurable": {"thread_id": thread, USER_KEY: source.user}}
    found = await source.graph.aget_state(cast(RunnableConfig, config))
    values = {name: found.values[name] for name in KEPT if found.values.get(name)}
    if "messages" in values:
        values["messages"] = messages_to_dict(values["messages"])
    return values
