"""Pruning by turns counts the turns of every durability, and keeps the state of subgraphs."""

import operator
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from tests.backends import BACKENDS, fresh_database
from threadkeep import acting_as, open_checkpointer
from threadkeep.checkpoints.pruning import Step, cut_of_turns

CONFIG: Any = {"configurable": {"thread_id": "t", "user_id": "ada"}}
MIXED = ["exit", "sync", "async", "exit", "exit", "async", "sync", "exit"] * 2


class Count(TypedDict):
    total: Annotated[int, operator.add]


def counter() -> StateGraph[Count]:
    builder = StateGraph(Count)
    builder.add_node("count", lambda state: {"total": 1})
    builder.add_node("again", lambda state: {"total": 0})
    builder.add_edge(START, "count")
    builder.add_edge("count", "again")
    return builder


@pytest.mark.parametrize("durabilities", [["exit"] * 12, ["sync"] * 12, MIXED], ids=str)
@pytest.mark.parametrize("kind", BACKENDS)
async def test_the_newest_turns_stay_with_every_durability(
    kind: str, durabilities: list[Any]
) -> None:
    async with fresh_database(kind) as url, open_checkpointer(url) as saver:
        graph = counter().compile(checkpointer=saver)
        for durability in durabilities:
            await graph.ainvoke({"total": 0}, CONFIG, durability=durability)
        with acting_as("ada"):
            await saver.aprune_turns("t", 5)
        totals = [state.values.get("total") async for state in graph.aget_state_history(CONFIG)]
    count = len(durabilities)
    assert totals[0] == count
    assert set(range(count - 4, count + 1)) <= set(totals)
    assert min(total or 0 for total in totals) >= count - 5


@pytest.mark.parametrize("durability", ["exit", "sync"])
@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_subgraph_keeps_its_state_between_turns(kind: str, durability: Any) -> None:
    inner = counter().compile(checkpointer=True)
    builder = StateGraph(Count)
    builder.add_node("inner", inner)
    builder.add_node("other", lambda state: {"total": 0})
    builder.add_conditional_edges(
        START, lambda state: "inner" if state["total"] < 3 else "other", ["inner", "other"]
    )
    async with fresh_database(kind) as url, open_checkpointer(url) as saver:
        graph = builder.compile(checkpointer=saver)
        for _ in range(8):
            await graph.ainvoke({"total": 1}, CONFIG, durability=durability)
        path: Any = {"configurable": {**CONFIG["configurable"], "checkpoint_ns": "inner"}}
        before = await saver.aget_tuple(path)
        with acting_as("ada"):
            await saver.aprune_turns("t", 1)
        after = await saver.aget_tuple(path)
        assert before is not None
        assert after is not None
        assert after.checkpoint["channel_values"] == before.checkpoint["channel_values"]
        assert len([step async for step in graph.aget_state_history(CONFIG)]) <= 4


def test_an_interrupted_run_that_goes_on_is_one_turn() -> None:
    steps = [Step("1", None, "input", -1), Step("2", "1", "loop", 0), Step("3", "2", "loop", 1)]
    assert cut_of_turns(steps, 1) is None


@given(st.lists(st.sampled_from(["exit", "sync"]), max_size=12), st.integers(1, 5))
def test_exactly_the_newest_turns_stay(durabilities: list[str], keep: int) -> None:
    steps: list[Step] = []
    first_ids, number = [], -2
    for durability in durabilities:
        for offset, source in enumerate(["input", "loop", "loop"]):
            number += 1
            if durability == "sync" or offset == 2:
                parent = steps[-1].id if steps else None
                steps.append(Step(f"{len(steps):04}", parent, source, number))
                if durability == "exit" or offset == 0:
                    first_ids.append(steps[-1].id)
    cut = cut_of_turns(steps, keep)
    if len(first_ids) <= keep:
        assert cut is None
    else:
        assert cut is not None
        assert cut.outer == first_ids[-keep]
        assert cut.inner <= cut.outer
