"""What is kept of a user as rows: threads, messages, facts, entities, search results, usage."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, SearchItem

from threadkeep.base.errors import BadInput
from threadkeep.checkpoints.thread_records import NO_LIMIT, list_records, newest_messages
from threadkeep.knowledge.branch_sync import thread_messages
from threadkeep.stores.namespaces import (
    all_messages_of,
    entities_of,
    facts_of,
    messages_of,
    threads_of,
)
from threadkeep.stores.usage import By, Usage, group_usage, read_usage, sum_usage

Row = dict[str, Any]
INTERNAL_OF_THREADS = ("last_message", "changed", "corrected")
INTERNAL_OF_MESSAGES = ("before", "thread")
KINDS = {"entities": "entity", "facts": "fact"}
TOTAL = "total"
"""The name of the last row of a usage table."""


async def list_threads(store: BaseStore, owner: str, limit: int) -> list[Row]:
    """Return the records of a user's threads, the last used first."""
    records = await list_records(store, threads_of(owner), limit)
    return [{"id": record.key} | _without(record.value, *INTERNAL_OF_THREADS) for record in records]


async def list_messages(
    store: BaseStore, owner: str, thread_id: str, name: str, limit: int
) -> list[Row]:
    """Return the newest messages of a thread, in their order.

    Raises:
        BadInput: the user has no such thread.
    """
    record = await store.aget(threads_of(owner), thread_id)
    if record is None:
        raise BadInput(f"There is no thread {name!r}; see threadkeep threads list for the names.")
    if "family" in record.value:
        messages = (await thread_messages(store, owner, thread_id, record.value))[-limit:]
    else:
        newest = await newest_messages(store, messages_of(owner, thread_id), limit)
        messages = [(item.key, item.value) for item in newest]
    return [{"id": key} | _without(value, *INTERNAL_OF_MESSAGES) for key, value in messages]


async def list_entities(store: BaseStore, owner: str, limit: int) -> list[Row]:
    """Return people, places and things, the most mentioned first."""
    items = await store.asearch(entities_of(owner), limit=NO_LIMIT)
    rows = [{"kind": "entity", "id": item.key} | item.value for item in items]
    rows.sort(key=lambda row: (-row["mentions"], *user_first(row["name"])))
    return rows[:limit]


async def search_all(store: BaseStore, owner: str, query: str, limit: int) -> list[Row]:
    """Return the messages, entities and facts that answer `query`, the best first."""
    spaces = (all_messages_of(owner), entities_of(owner), facts_of(owner))
    items = [
        item for space in spaces for item in await store.asearch(space, query=query, limit=limit)
    ]
    items.sort(key=lambda item: item.score or 0.0, reverse=True)
    best = items[:limit]
    thread_ids = sorted({str(item.value["thread"]) for item in best if "thread" in item.value})
    records = {key: await store.aget(threads_of(owner), key) for key in thread_ids}
    names = {key: str(record.value["name"]) for key, record in records.items() if record}
    return [_search_row(item, names) for item in best]


async def usage_rows(store: BaseStore, owner: str, by: By) -> dict[str, Usage]:
    """Return what calls to models took, by name, the total last; nothing where there were none."""
    summed = group_usage(await read_usage(store, owner), by)
    names = dict[str, str]()
    for key in summed if by == "thread" else ():
        if record := await store.aget(threads_of(owner), key):
            names[key] = str(record.value.get("name") or key)
    rows = name_rows(summed, names)
    return {**rows, TOTAL: sum_usage(summed.values())} if rows else {}


def name_rows(rows: Mapping[str, Usage], names: Mapping[str, str]) -> dict[str, Usage]:
    """Return the rows by name, not id; of two threads of one name the second keeps its id."""
    renamed = dict[str, Usage]()
    for key, usage in rows.items():
        name = names.get(key, key)
        renamed[key if name in renamed or name == TOTAL else name] = usage
    return renamed


def _search_row(item: SearchItem, names: Mapping[str, str]) -> Row:
    kind = KINDS.get(item.namespace[1], "message")
    row = {"kind": kind, "id": item.key, "score": round(item.score or 0.0, 4)}
    row |= _without(item.value, *INTERNAL_OF_MESSAGES)
    if thread := item.value.get("thread"):
        row["thread"] = names.get(thread, thread)
    return row


def user_first(name: str) -> tuple[bool, str]:
    """Return the key that sorts names, the user before all others; case does not matter."""
    return name != "user", name.casefold()


def _without(value: Row, *keys: str) -> Row:
    return {key: item for key, item in value.items() if key not in keys}
