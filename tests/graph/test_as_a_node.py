"""Our graph as a node of a graph that keeps all messages itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.base import BaseStore

from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.graph.agent import builder
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import messages_of, threads_of, user_key
from threadkeep.stores.owned import OwnedStore

ADA: Any = {"configurable": {"thread_id": "t", "user_id": "ada"}}


async def stored(store: BaseStore) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the record of the thread and its messages in order."""
    with acting_as("ada"):
        owner = await user_key(store, "ada")
        record = await store.aget(threads_of(owner), "t")
        items = await store.asearch(messages_of(owner, "t"), limit=100)
    assert record is not None
    return record.value, sorted((i.value for i in items), key=lambda value: value["position"])


async def test_each_turn_goes_on_where_the_store_is(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 1, 9, tzinfo=UTC)
    outer = StateGraph(MessagesState)
    outer.add_node("answer", builder.compile())
    outer.add_edge(START, "answer")
    async with (
        open_store(Settings(home=tmp_path), clock=lambda: moment) as all_items,
        open_checkpointer("memory://") as saver,
    ):
        store = OwnedStore(all_items)
        graph = outer.compile(checkpointer=saver, store=store)

        async def say(message: Any) -> str:
            output = await graph.ainvoke({"messages": [message]}, ADA)
            return str(output["messages"][-1].text)

        await say(HumanMessage("I live in Bergen.", id="home"))
        first = (await stored(store))[1]
        moment += timedelta(days=10)
        assert "Bergen" in await say("Where do I live?")
        record, messages = await stored(store)
        # What was said ten days ago was said then, in its place.
        assert messages[:2] == first
        assert [value["time"][:10] for value in messages[2:]] == ["2026-03-11"] * 2
        assert record["turns"] == 2
        # Other words for a message are an edit.
        await graph.aupdate_state(ADA, {"messages": [HumanMessage("I live in Oslo.", id="home")]})
        assert "Oslo" in await say("Where do I live now?")
        record, messages = await stored(store)
        assert messages[0]["text"] == "I live in Oslo."
        assert [value["position"] for value in messages] == list(range(6))
        assert record["turns"] == 3
