"""What earlier turns recalled, read again from the store: its text is never kept in the state.

What was forgotten or corrected since is so in the next prompt too.
"""

from collections.abc import Iterable, Sequence

from langgraph.store.base import BaseStore, GetOp, Item, Result, SearchItem

from graph.memories import Memory
from graph.state import Recalled
from stores.namespaces import threads_of

KINDS = {"entities": "entity", "facts": "fact"}


async def recalled_memories(
    store: BaseStore, owner: str, recalled: Sequence[Recalled]
) -> list[Memory]:
    """Return the memories that earlier turns recalled, as the store has them now."""
    items = standing(recalled, await store.abatch(reads(owner, recalled)))
    named = await thread_names(store, owner, [item for item, _ in items])
    return [as_memory(item, named, before) for item, before in items]


def reads(owner: str, recalled: Sequence[Recalled]) -> list[GetOp]:
    """Return the operations that read what was recalled."""
    return [GetOp((owner, *place[:-1]), place[-1]) for turn in recalled for place in turn["places"]]


def standing(recalled: Sequence[Recalled], read: Iterable[Result]) -> list[tuple[Item, str]]:
    """Return what is still there and still holds, each with the message in front of which it is."""
    before = [turn["before"] for turn in recalled for _ in turn["places"]]
    return [
        (item, place)
        for item, place in zip(read, before, strict=True)
        if isinstance(item, Item) and not item.value.get("superseded_by")
    ]


async def thread_names(store: BaseStore, owner: str, items: Iterable[Item]) -> dict[str, str]:
    """Return the names of the threads from which the items come, by id."""
    threads = sorted({str(item.value.get("thread") or "") for item in items} - {""})
    records = await store.abatch([GetOp(threads_of(owner), thread) for thread in threads])
    return {
        thread: str(record.value.get("name") or thread)
        for thread, record in zip(threads, records, strict=True)
        if isinstance(record, Item)
    }


def as_memory(item: Item, named: dict[str, str], before: str) -> Memory:
    """Return a stored item as a memory in front of the message `before`."""
    value = item.value
    thread = str(value.get("thread") or "")
    memory: Memory = {
        "id": item.key,
        "kind": KINDS.get(item.namespace[1], "message"),  # type: ignore[typeddict-item]
        "text": str(value.get("text") or ""),
        "speaker": str(value.get("name") or value.get("role") or ""),
        "time": str(value.get("time") or value.get("last_seen") or value.get("recorded_at") or ""),
        "thread": named.get(thread, thread),
        "before": before,
    }
    tokens = value.get("tokens")
    if isinstance(tokens, int) and tokens > 0:
        memory["tokens"] = tokens
    if isinstance(item, SearchItem) and item.score is not None:
        memory["score"] = round(item.score, 4)
    return memory
