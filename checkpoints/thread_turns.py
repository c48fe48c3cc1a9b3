"""The turns of a thread in its checkpoints: find unfinished ones, fork and undo."""

from dataclasses import dataclass
from typing import Any

from langchain_core.messages import HumanMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

from threadkeep.base.errors import BadInput
from threadkeep.base.user import AUTH_KEY, USER_KEY

Graph = CompiledStateGraph[Any, Any, Any, Any]
CHECKPOINTER = "__pregel_checkpointer"
"""Key under which LangGraph hands a run's saver to its nodes."""
COPY_NODE = "__copy__"
"""Node name with which LangGraph's `aupdate_state` copies a checkpoint to the top."""
INITIAL_STATE: dict[str, Any] = {
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
"""Update that resets a state to the one before the first turn."""


async def pending_nodes(graph: Graph, config: RunnableConfig) -> set[str]:
    """Return the nodes that the thread's newest run has not finished.

    Includes `tasks`: `next` can be empty while the writes of a step are saved but not applied.
    """
    state = await graph.aget_state(config)
    return {*state.next, *(task.name for task in state.tasks)}


async def has_state_with(config: RunnableConfig, stored_through: str) -> bool:
    """Return whether a checkpoint of a run's graph in its thread has stored up to this message.

    Without one the thread's newer states were lost, or each run of a graph inside another begins
    with a new one; a branch that was left keeps its states. `config` is that of the run, inside a
    node; without a saver there is no such state.
    """
    configurable = config.get("configurable") or {}
    saver = configurable.get(CHECKPOINTER)
    if not isinstance(saver, BaseCheckpointSaver):
        return False
    place = {
        key: configurable[key] for key in ("thread_id", AUTH_KEY, USER_KEY) if key in configurable
    }
    place["checkpoint_ns"] = graph_namespace(config)
    async for checkpoint in saver.alist({"configurable": place}):
        values = checkpoint.checkpoint["channel_values"]
        if str(values.get("stored_through") or "") == stored_through:
            return True
    return False


def graph_namespace(config: RunnableConfig) -> str:
    """Return the namespace of a node's graph; empty unless it is inside another graph."""
    namespace = str((config.get("configurable") or {}).get("checkpoint_ns") or "")
    return namespace.rpartition("|")[0]


@dataclass(frozen=True, kw_only=True)
class Turns:
    """The states after the turns of a thread's active branch, newest first."""

    states: list[StateSnapshot]
    complete: bool
    """Whether the states go back to the thread's beginning; else older ones were pruned."""


async def newest_turns(graph: Graph, config: RunnableConfig) -> Turns:
    """Return the states after the turns that can be undone or forked."""
    snapshots = {
        str(snapshot.config["configurable"]["checkpoint_id"]): snapshot
        async for snapshot in graph.aget_state_history(config)
    }
    states: list[StateSnapshot] = []
    checkpoint_id, ends_turn = next(iter(snapshots), None), True
    ends_run = False
    while checkpoint_id in snapshots:
        snapshot = snapshots[str(checkpoint_id)]
        if not snapshot.values.get("messages"):
            checkpoint_id = None  # The beginning of the thread, or all its turns were undone.
            break
        if ends_turn or (ends_run and not snapshot.next):
            states.append(snapshot)
        # A turn begins with its input; the parent of that is the state after the previous turn.
        # Of older turns only that state is kept.
        source = (snapshot.metadata or {}).get("source")
        ends_turn, ends_run = source == "input", source in ("loop", "fork")
        parent = snapshot.parent_config
        checkpoint_id = str(parent["configurable"]["checkpoint_id"]) if parent else None
    return Turns(states=states, complete=checkpoint_id is None)


async def turn_at(
    graph: Graph, config: RunnableConfig, name: str, total: int, turn: int | None
) -> StateSnapshot:
    """Return the state after turn number `turn` (1 to `total`, default `total`).

    Raises:
        BadInput: there is no such turn, or its state was pruned.
    """
    states = (await newest_turns(graph, config)).states
    if not states or states[0].next:
        raise BadInput(f"Thread {name!r} has no finished turn to fork from; send a message first.")
    turn = total if turn is None else turn
    if not 0 <= total - turn < len(states):
        raise BadInput(
            f"Thread {name!r} cannot be forked after turn {turn}; "
            f"its states are kept for the turns {total - len(states) + 1} to {total}."
        )
    return states[total - turn]


async def undo_turns(graph: Graph, config: RunnableConfig, name: str, count: int) -> list[str]:
    """Undo the newest `count` turns; return the texts of their user messages.

    Raises:
        BadInput: the thread has fewer turns, or their states were pruned.
    """
    turns = await newest_turns(graph, config)
    newest, earlier_ids = turns.states[:1], set[str]()
    if 0 < count < len(turns.states):
        before = turns.states[count]
        earlier_ids = {str(message.id) for message in before.values["messages"]}
        await graph.aupdate_state(before.config, None, COPY_NODE)
    elif count == len(turns.states) and turns.complete:
        await graph.aupdate_state(config, INITIAL_STATE, as_node="store_turn")
    else:
        raise BadInput(
            f"{count} turns of thread {name!r} cannot be taken back; "
            f"it keeps the states of its newest {len(turns.states)}."
        )
    return [
        str(message.text)
        for state in newest
        for message in state.values["messages"]
        if isinstance(message, HumanMessage) and str(message.id) not in earlier_ids
    ]
