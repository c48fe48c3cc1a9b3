"""Threads: one turn at a time, what a crash left, and the records by which they are listed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

from filelock import FileLock, Timeout
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore, Item

from graph.errors import ThreadBusy

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05
PAGE = 1_000


@asynccontextmanager
async def open_turn(
    folder: Path, thread: str, name: str, *, wait: float = WAIT_SECONDS
) -> AsyncIterator[None]:
    """Hold the thread for one turn, against other processes and other tasks of this one.

    The operating system lets go of the lock when its process dies.

    Raises:
        ThreadBusy: somebody else held it for `wait` seconds.
    """
    path = folder / f"{sha256(thread.encode()).hexdigest()[:32]}.lock"
    lock = FileLock(path, timeout=0, is_singleton=False, thread_local=False)
    began = monotonic()
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if monotonic() - began >= wait:
                raise ThreadBusy(name, monotonic() - began) from None
            await asyncio.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


async def pending_nodes(
    graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig
) -> set[str]:
    """Return the nodes that the thread's newest run still owes; none when it is finished.

    Tasks are looked at too: `next` can be empty while the writes of a step are saved but not
    yet applied.
    """
    state = await graph.aget_state(config)
    return {*state.next, *(task.name for task in state.tasks)}


async def list_records(store: BaseStore, namespace: tuple[str, ...], limit: int) -> list[Item]:
    """Return thread records, the last used first."""
    records: list[Item] = []
    while found := await store.asearch(namespace, limit=PAGE, offset=len(records)):
        records += found
        if len(found) < PAGE:
            break
    records.sort(key=lambda record: (record.value["last_used"], record.key), reverse=True)
    return records[:limit]
