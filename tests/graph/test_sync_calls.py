"""The sync methods of the graph do what the async ones do, from any thread but the loop's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused, BadInput, NoSuchCheckpoint
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.graph.agent import builder
from threadkeep.graph.thread_graph import CompiledThreadGraph
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.owned import OwnedStore

ADA: Any = {"configurable": {"thread_id": "t", "user_id": "ada"}}
CONTEXT = {"user_id": "ada", "model": "offline"}
Parts = tuple[BaseCheckpointSaver[Any], BaseStore]


def say(graph: Any, text: str, **options: Any) -> str:
    output = graph.invoke({"messages": [("user", text)]}, ADA, context=CONTEXT, **options)
    return str(output["messages"][-1].text)


def talk(graph: Any) -> None:
    """Use every sync method of the graph once."""
    assert "Bergen" in say(graph, "I live in Bergen.")
    assert "Bergen" in say(graph, "Where do I live?", durability="sync")
    state = graph.get_state(ADA)
    assert len(state.values["messages"]) == 4
    assert not state.next
    assert [s.config for s in graph.get_state_history(ADA, limit=1)] == [state.config]
    graph.update_state(ADA, {"messages": [("user", "My cat is Pixel.")]})
    texts = [str(m.text) for m in graph.get_state(ADA).values["messages"]]
    assert texts[-1] == "My cat is Pixel."
    with pytest.raises(BadInput, match="summary"):
        graph.update_state(ADA, {"summary": 5})
    with pytest.raises(NoSuchCheckpoint):
        graph.get_state({"configurable": {**ADA["configurable"], "checkpoint_id": "none"}})
    modes: Any = ["messages", "updates", "values"]
    message = {"messages": [("user", "Who am I?")]}
    events = list(graph.stream(message, ADA, context=CONTEXT, stream_mode=modes))
    assert {mode for mode, _ in events} == set(modes)
    assert any(isinstance(part[0], AIMessage) for mode, part in events if mode == "messages")
    older = {"configurable": {**ADA["configurable"], **state.config["configurable"]}}
    assert len(graph.invoke(None, older, context=CONTEXT)["messages"]) == 4


@pytest.fixture(params=["memory", "sqlite", "no saver"])
def sync_parts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Savers and stores of LangGraph that know no event loop."""
    if request.param == "sqlite":
        with SqliteSaver.from_conn_string(str(tmp_path / "saver.sqlite")) as saver:
            yield saver, InMemoryStore()
    else:
        yield InMemorySaver() if request.param == "memory" else None, InMemoryStore()


def test_a_program_without_an_event_loop_uses_the_graph(sync_parts: Parts) -> None:
    saver, store = sync_parts
    graph = builder.compile(checkpointer=saver, store=store)
    if saver is None:
        assert "Bergen" in say(graph, "I live in Bergen.")
    else:
        talk(graph)


async def test_another_event_loop_may_run_in_the_callers_thread(sync_parts: Parts) -> None:
    saver, store = sync_parts
    if saver:
        talk(builder.compile(checkpointer=saver, store=store))


@pytest_asyncio.fixture(params=["sqlite", "postgres", "redis", "memory"])
async def own(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CompiledThreadGraph]:
    """The graph with our saver and store."""
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path / "home", checkpoints=parse_database(url))
        async with open_store(settings) as store, open_checkpointer(url) as saver:
            yield builder.compile(checkpointer=saver, store=OwnedStore(store))


async def test_other_threads_use_the_graph_of_an_event_loop(own: CompiledThreadGraph) -> None:
    await asyncio.to_thread(talk, own)
    bob: Any = {"configurable": {"thread_id": "t", "user_id": "bob"}}
    with pytest.raises(AccessRefused):
        await asyncio.to_thread(own.get_state, bob)


async def test_on_the_loop_itself_sync_calls_are_refused(own: CompiledThreadGraph) -> None:
    calls: list[Any] = [
        lambda: say(own, "Hello."),
        lambda: next(own.stream({"messages": "Hello."}, ADA, context=CONTEXT)),
        lambda: own.get_state(ADA),
        lambda: next(own.get_state_history(ADA)),
        lambda: own.update_state(ADA, {"messages": "Hello."}),
    ]
    for call in calls:
        with pytest.raises(asyncio.InvalidStateError, match="ainvoke"):
            call()
    assert await own.aget_state(ADA) is not None


async def test_many_threads_use_it_at_once(own: CompiledThreadGraph) -> None:
    def run(number: int) -> str:
        config: Any = {"configurable": {"thread_id": f"t{number}", "user_id": "ada"}}
        message = {"messages": [("user", f"My locker is number {number}.")]}
        return str(own.invoke(message, config, context=CONTEXT)["messages"][-1].text)

    # Threads of its own: the loop works with those that `asyncio.to_thread` would take.
    with ThreadPoolExecutor(8) as threads:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(threads, run, number) for number in range(8)]
        assert all(await asyncio.gather(*calls))


def test_a_call_after_the_event_loop_has_ended_is_refused(tmp_path: Path) -> None:
    async def opened() -> CompiledThreadGraph:
        async with (
            open_store(Settings(home=tmp_path)) as store,
            open_checkpointer("memory://") as saver,
        ):
            return builder.compile(checkpointer=saver, store=store)

    graph = asyncio.run(opened())
    with pytest.raises(asyncio.InvalidStateError, match="ended"):
        say(graph, "Hello.")


def test_a_stream_that_is_closed_runs_no_further(tmp_path: Path) -> None:
    graph = builder.compile(checkpointer=InMemorySaver(), store=InMemoryStore())
    stream: Any = graph.stream(
        {"messages": "Hello."}, ADA, context=CONTEXT, stream_mode="updates", durability="sync"
    )
    assert list(next(stream)) == ["retrieve_memories"]
    stream.close()
    assert graph.get_state(ADA).next == ("trim_history",)
    assert graph.invoke(None, ADA, context=CONTEXT)["messages"][-1].type == "ai"


def test_an_error_of_the_model_reaches_the_caller() -> None:
    graph = builder.compile(store=InMemoryStore())
    with pytest.raises(BadInput, match=r"input.messages\[0\]"):
        graph.invoke({"messages": [5]}, ADA, context=CONTEXT)
    with pytest.raises(BadInput, match="user"):
        graph.invoke({"messages": "Hello."})


class Desk(MessagesState):
    """The state of a sync graph around ours."""


def outer_graphs() -> list[tuple[str, StateGraph[Any, Any, Any, Any]]]:
    inner = builder.compile()
    as_node = StateGraph(Desk)
    as_node.add_node("answer", inner)
    as_node.add_edge(START, "answer")

    def answer(state: Desk) -> Any:
        return {"messages": inner.invoke({"messages": state["messages"][-1:]})["messages"][-1:]}

    in_node = StateGraph(Desk)
    in_node.add_node("answer", answer)
    in_node.add_edge(START, "answer")
    return [("as a node", as_node), ("in a node", in_node)]


@pytest.mark.parametrize(("kind", "outer"), outer_graphs())
def test_a_sync_graph_contains_ours(kind: str, outer: Any, sync_parts: Parts) -> None:
    saver, store = sync_parts
    graph = outer.compile(checkpointer=saver, store=store)
    for text in ("I live in Bergen.", "Where do I live?"):
        # Without a store of ours nothing is searched: the answer to the question quotes nothing.
        output = graph.invoke({"messages": [("user", text)]}, ADA)
        assert output["messages"][-1].type == "ai"
    if saver is not None:
        assert len(graph.get_state(ADA).values["messages"]) == 4


@pytest.mark.parametrize(("kind", "outer"), outer_graphs())
async def test_a_sync_graph_contains_ours_on_our_parts(
    kind: str, outer: Any, own: CompiledThreadGraph
) -> None:
    graph = outer.compile(checkpointer=own.checkpointer, store=own.store)

    def run() -> None:
        for text in ("I live in Bergen.", "Where do I live?"):
            output = graph.invoke({"messages": [("user", text)]}, ADA)
            assert "Bergen" in output["messages"][-1].text

    assert isinstance(own.checkpointer, OwnedSaver)
    await asyncio.to_thread(run)
