"""The turns of a thread in its checkpoints: what a crash left, and what can be gone back to."""

from dataclasses import dataclass
from typing import Any

from langchain_core.messages import HumanMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

from threadkeep.base.errors import BadInput

Graph = CompiledStateGraph[Any, Any, Any, Any]
COPY_NODE = "__copy__"
"""LangGraph's own word for making an older checkpoint the newest."""
BEGINNING: dict[str, Any] = {
    "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES)],
    "summary": "",
    "summarized_through": "",
    "extract": "",
    "extracted_through": "",
    "pins": [],
    "stored_through": "",
    "stored": 0,
    "recalled": [],
}
"""What makes a state as it was before the first turn."""


async def pending_nodes(graph: Graph, config: RunnableConfig) -> set[str]:
    """Return the nodes that the thread's newest run still owes; none when it is finished.

    Tasks are looked at too: `next` can be empty while the writes of a step are saved but not
    yet applied.
    """
    state = await graph.aget_state(config)
    return {*state.next, *(task.name for task in state.tasks)}


@dataclass(frozen=True, kw_only=True)
class Turns:
    """The states after the turns of a thread's branch that is used, the newest first."""

    states: list[StateSnapshot]
    whole: bool
    """Whether they reach back to the thread's beginning; older ones are pruned."""


async def newest_turns(graph: Graph, config: RunnableConfig) -> Turns:
    """Return the states of the turns that can be gone back to."""
    kept = {
        str(snapshot.config["configurable"]["checkpoint_id"]): snapshot
        async for snapshot in graph.aget_state_history(config)
    }
    states: list[StateSnapshot] = []
    at, begun = next(iter(kept), None), True
    while at in kept:
        snapshot = kept[str(at)]
        if not snapshot.values.get("messages"):
            at = None  # Where all began, or began anew after all was taken back.
            break
        if begun:
            states.append(snapshot)
        # A turn begins with its input; before that lies the state after the turn before it.
        begun = (snapshot.metadata or {}).get("source") == "input"
        parent = snapshot.parent_config
        at = str(parent["configurable"]["checkpoint_id"]) if parent else None
    return Turns(states=states, whole=at is None)


async def turn_at(
    graph: Graph, config: RunnableConfig, name: str, total: int, at: int | None
) -> StateSnapshot:
    """Return the state after the `at`-th of a thread's `total` turns, by default after the last.

    Raises:
        BadInput: there is no such turn, or it is too long ago.
    """
    states = (await newest_turns(graph, config)).states
    if not states or states[0].next:
        raise BadInput(f"Thread {name!r} has no finished turn to fork from; send a message first.")
    at = total if at is None else at
    if not 0 <= total - at < len(states):
        raise BadInput(
            f"Thread {name!r} cannot be forked after turn {at}; its states are kept for the turns "
            f"{total - len(states) + 1} to {total}."
        )
    return states[total - at]


async def undo_turns(graph: Graph, config: RunnableConfig, name: str, count: int) -> list[str]:
    """Make the state before the newest `count` turns the thread's; return what the user had said.

    Raises:
        BadInput: there are not so many, or they are too long ago.
    """
    turns = await newest_turns(graph, config)
    newest, said_before = turns.states[:1], set[str]()
    if 0 < count < len(turns.states):
        before = turns.states[count]
        said_before = {str(message.id) for message in before.values["messages"]}
        await graph.aupdate_state(before.config, None, COPY_NODE)
    elif count == len(turns.states) and turns.whole:
        await graph.aupdate_state(config, BEGINNING, as_node="store_turn")
    else:
        raise BadInput(
            f"{count} turns of thread {name!r} cannot be taken back; "
            f"the states of its newest {len(turns.states)} are kept."
        )
    return [
        str(message.text)
        for state in newest
        for message in state.values["messages"]
        if isinstance(message, HumanMessage) and str(message.id) not in said_before
    ]
