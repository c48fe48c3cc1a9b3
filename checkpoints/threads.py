"""Threads: what a crash left, and the records by which they are listed."""

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore, Item

PAGE = 1_000


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
