"""What a crash left of a thread's newest run."""

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph


async def pending_nodes(
    graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig
) -> set[str]:
    """Return the nodes that the thread's newest run still owes; none when it is finished.

    Tasks are looked at too: `next` can be empty while the writes of a step are saved but not
    yet applied.
    """
    state = await graph.aget_state(config)
    return {*state.next, *(task.name for task in state.tasks)}
