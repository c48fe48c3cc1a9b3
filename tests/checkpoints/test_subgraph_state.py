"""The state of a subgraph, read and changed by the configs that LangGraph gives for it."""

import json
import pickle
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from tests.backends import BACKENDS, fresh_database
from threadkeep import AccessRefused, OwnedSaver, acting_as, open_checkpointer
from threadkeep.base.errors import NoUser

ADA: Any = {"configurable": {"thread_id": "t", "user_id": "ada"}}
EVE: Any = {"configurable": {"thread_id": "t", "user_id": "eve"}}


class Count(TypedDict):
    number: int


def nested_graph(saver: OwnedSaver, depth: int = 1) -> Any:
    builder = StateGraph(Count)
    builder.add_node("ask", lambda state: {"number": state["number"] + interrupt("number?")})
    builder.add_edge(START, "ask")
    for _ in range(depth):
        outer = StateGraph(Count)
        outer.add_node("inner", builder.compile())
        outer.add_edge(START, "inner")
        builder = outer
    return builder.compile(checkpointer=saver)


@pytest.mark.parametrize("kind", BACKENDS)
async def test_the_state_of_a_subgraph_is_read_changed_and_resumed(kind: str) -> None:
    async with fresh_database(kind) as url, open_checkpointer(url) as saver:
        graph = nested_graph(saver)
        await graph.ainvoke({"number": 1}, ADA)
        state = await graph.aget_state(ADA, subgraphs=True)
        assert state.tasks[0].state.values == {"number": 1}
        below = (await graph.aget_state(ADA)).tasks[0].state
        assert (await graph.aget_state(below)).values == {"number": 1}
        assert [step async for step in graph.aget_state_history(below)]
        await graph.aupdate_state(below, {"number": 5})
        assert (await graph.ainvoke(Command(resume=2), ADA))["number"] == 7


async def test_a_subgraph_in_a_subgraph_is_read() -> None:
    async with open_checkpointer("memory://") as saver:
        graph = nested_graph(saver, depth=3)
        await graph.ainvoke({"number": 1}, ADA)
        state = await graph.aget_state(ADA, subgraphs=True)
        for _ in range(3):
            state = state.tasks[0].state
        assert state.values == {"number": 1}


async def test_another_user_and_nobody_cannot_read_it() -> None:
    async with open_checkpointer("memory://") as saver:
        graph = nested_graph(saver)
        await graph.ainvoke({"number": 1}, ADA)
        below = (await graph.aget_state(ADA)).tasks[0].state
        with pytest.raises(AccessRefused):
            await graph.aget_state(EVE, subgraphs=True)
        as_eve = {"configurable": {**below["configurable"], "user_id": "eve"}}
        for call in (graph.aget_state(as_eve), graph.aupdate_state(as_eve, {"number": 9})):
            with pytest.raises(AccessRefused):
                await call
        with acting_as("eve"), pytest.raises(AccessRefused):
            await graph.aget_state(below)
        # What left the process is an id like any other.
        for copy in (json.loads(json.dumps(below)), pickle.loads(pickle.dumps(below))):
            with pytest.raises(NoUser):
                await graph.aget_state(copy)
