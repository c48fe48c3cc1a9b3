"""The blocks of docs/in_your_graph.md, run one after the other."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.backends import ROOT
from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.models.openai import open_openai
from threadkeep.stores.namespaces import messages_of, threads_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.testing import Reply, scripted_server

PAGE = (ROOT / "docs/in_your_graph.md").read_text()


@pytest.fixture(scope="module")
def page() -> SimpleNamespace:
    """All blocks of the page that need no server, as one module."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "in_your_graph"}
    for block in blocks:
        exec(compile(block, "docs/in_your_graph.md", "exec"), namespace)
    return SimpleNamespace(**namespace)


@pytest.fixture
async def opened(page: SimpleNamespace) -> AsyncIterator[tuple[OwnedStore, OwnedSaver]]:
    async with page.opened() as (store, saver):
        yield store, saver


async def test_the_agent_inside_another_graph_remembers_per_user_and_thread(
    page: SimpleNamespace, opened: tuple[OwnedStore, OwnedSaver]
) -> None:
    store, saver = opened
    reply = await page.ask(saver, store, "ada", "trip", "I live in Bergen.")
    assert "Bergen" in reply
    assert "Bergen" in await page.ask(saver, store, "ada", "trip", "Where do I live?")
    assert "Bergen" in await page.ask(saver, store, "ada", "other", "Where do I live?")
    assert "Bergen" not in await page.ask(saver, store, "bob", "his", "Where do I live?")
    with pytest.raises(AccessRefused, match="another user"):
        await page.ask(saver, store, "bob", "trip", "Where do I live?")
    with acting_as("ada"):
        key = await user_key(store, "ada")
        messages = await store.asearch(messages_of(key, "trip"))
        record = await store.aget(threads_of(key), "trip")
    # Four messages of two turns, each once: the inner graph continues its thread.
    assert sorted(item.value["position"] for item in messages) == [0, 1, 2, 3]
    assert record is not None
    assert record.value["turns"] == 2


async def test_a_node_without_a_user_in_its_context_runs_as_the_user_of_the_config(
    page: SimpleNamespace, opened: tuple[OwnedStore, OwnedSaver]
) -> None:
    store, saver = opened
    graph = page.desk.compile(checkpointer=saver, store=store)
    config = {"configurable": {"thread_id": "trip", "user_id": "ada"}}
    output = await graph.ainvoke({"question": "I live in Bergen."}, config)
    assert "Bergen" in output["answer"]
    context = page.DeskContext("bob")
    with pytest.raises(AccessRefused, match="asks as"):
        await graph.ainvoke({"question": "Where do I live?"}, config, context=context)


async def test_the_store_serves_a_langchain_agent_per_user(
    page: SimpleNamespace, opened: tuple[OwnedStore, OwnedSaver]
) -> None:
    store, saver = opened
    async with scripted_server() as server:
        model = open_openai("scripted", None, server.base_url)
        clerk = page.clerk(model, saver, store)

        async def say(user: str, thread: str, text: str) -> str:
            config = {"configurable": {"thread_id": thread, "user_id": user}}
            output = await clerk.ainvoke({"messages": [("user", text)]}, config)
            return str(output["messages"][-2].text)

        def calls(name: str, **args: str) -> None:
            server.script(Reply(tool_calls=[(name, args)]), Reply("Done."))

        calls("note_down", text="The vault opens with tulip-4711.")
        assert await say("ada", "a", "Note it.") == "Noted."
        calls("look_up", query="What opens the vault?")
        assert "tulip-4711" in await say("ada", "b", "What opens the vault?")
        calls("look_up", query="What opens the vault?")
        assert await say("bob", "c", "What opens the vault?") == "Nothing."
        assert "tulip" not in str(server.requests[-2:])


async def test_a_tool_without_async_searches_the_same_store(
    opened: tuple[OwnedStore, OwnedSaver],
) -> None:
    store, _ = opened
    with acting_as("ada"):
        key = await user_key(store, "ada")
        await asyncio.to_thread(store.put, (key, "diary"), "k", {"text": "The vault is open."})
        matches = await asyncio.to_thread(store.search, (key, "diary"), query="vault")
        assert [item.key for item in matches] == ["k"]


async def test_the_saver_gives_threads_of_any_graph_to_their_owners_only(
    page: SimpleNamespace, opened: tuple[OwnedStore, OwnedSaver]
) -> None:
    _, saver = opened
    assert [await page.count(saver, "ada", "t") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(AccessRefused, match="another user"):
        await page.count(saver, "bob", "t")


async def test_the_saver_serves_graphs_that_run_without_async(
    page: SimpleNamespace, opened: tuple[OwnedStore, OwnedSaver]
) -> None:
    _, saver = opened
    graph = page.counter.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "t", "user_id": "ada"}}
    for total in (1, 2):
        output = await asyncio.to_thread(graph.invoke, {"total": 0}, config)
        assert output["total"] == total
    assert len(await asyncio.to_thread(lambda: list(graph.get_state_history(config)))) == 6
    with pytest.raises(asyncio.InvalidStateError, match="async methods"):
        graph.invoke({"total": 0}, config)
    with acting_as("ada"):
        await asyncio.to_thread(saver.delete_thread, "t")
    assert (await graph.aget_state(config)).values == {}


def test_the_page_holds_no_other_kinds_of_blocks() -> None:
    kinds = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    assert set(kinds) <= {"python", "js", "sh"}
    assert Path(ROOT / "docs/in_your_graph.md").stat().st_size < 12_000
