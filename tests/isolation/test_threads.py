"""Threads belong to the user who started them, whatever their ids look like."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver

from tests.isolation.operations import REFUSED, SECRET, AdaMemory, assert_unchanged, collect
from threadkeep.base.errors import AccessRefused, ThreadDeleted
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.graph.context import Context
from threadkeep.stores.namespaces import thread_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "thread", [1, 1.0, True, b"t", ["t"], {"t": 1}, "", " t", "t\0", "t\n", "x" * 129]
)
async def test_a_thread_id_that_is_no_plain_text_is_refused(ada: AdaMemory, thread: Any) -> None:
    config: RunnableConfig = {
        "configurable": {"thread_id": thread, "checkpoint_ns": "", "user_id": "ada"}
    }
    with pytest.raises(REFUSED):
        await ada.saver.aget_tuple(config)
    with acting_as("ada"), pytest.raises(REFUSED):
        await ada.saver.adelete_thread(thread)


@pytest.mark.parametrize("pattern", ["*", "t*", "?1", "[t]1", "t1}", "{t1", "t%", "t_", "T1", "t"])
async def test_an_id_that_is_a_pattern_or_a_prefix_matches_itself_only(
    ada: AdaMemory, pattern: str
) -> None:
    for user, thread in (("bob", "t1"), ("eve", pattern)):
        await ada.memory.graph.ainvoke(
            {"messages": [HumanMessage("hello")]},
            ada.config(thread, user_id=user),
            context=Context(user_id=user),
        )
    assert len(await collect(ada.saver.alist(ada.config(pattern, user_id="eve")))) > 0
    with acting_as("eve"):
        await ada.saver.aprune([pattern])
        await ada.saver.adelete_thread(pattern)
    assert len(await collect(ada.saver.alist(ada.config("t1", user_id="bob")))) > 1
    await assert_unchanged(ada)


async def test_listing_the_threads_of_all_users_is_refused(ada: AdaMemory) -> None:
    for config in (None, {}, {"configurable": {"user_id": "ada"}}):
        with acting_as("ada"), pytest.raises(AccessRefused):
            await collect(ada.saver.alist(config))  # type: ignore[arg-type]


async def test_owner_records_are_not_readable_as_threads(ada: AdaMemory) -> None:
    from threadkeep.checkpoints.owner_records import record_config

    record = record_config(ada.thread)["configurable"]["thread_id"]
    for user in ("ada", "bob"):
        with pytest.raises(AccessRefused):
            await ada.saver.aget_tuple(ada.config(record, user_id=user))
        with acting_as(user), pytest.raises(AccessRefused):
            await ada.saver.adelete_thread(record)


async def test_of_users_who_start_a_thread_at_once_one_owns_it(ada: AdaMemory) -> None:
    async def begin(user: str) -> str:
        await ada.memory.graph.ainvoke(
            {"messages": [HumanMessage(f"I am {user}")]},
            ada.config("contested", user_id=user),
            context=Context(user_id=user),
        )
        return user

    results = await asyncio.gather(*map(begin, ("bob", "eve", "mallory")), return_exceptions=True)
    (winner,) = [result for result in results if isinstance(result, str)]
    errors = [result for result in results if not isinstance(result, str)]
    assert all(isinstance(error, AccessRefused) for error in errors)
    state = await ada.memory.graph.aget_state(ada.config("contested", user_id=winner))
    assert state.values["messages"][0].text == f"I am {winner}"


async def test_metadata_of_a_caller_does_not_change_the_owner(ada: AdaMemory) -> None:
    config = ada.config("t1", user_id="bob")
    config["metadata"] = {"user_id": "ada", "owner": "ada"}
    words: Any = {"messages": [HumanMessage("hello")]}
    await ada.memory.graph.ainvoke(words, config, context=Context(user_id="bob"))
    with pytest.raises(AccessRefused):
        await ada.saver.aget_tuple(ada.config("t1", user_id="ada"))
    assert await ada.saver.aget_tuple(ada.config("t1", user_id="bob"))


async def test_runs_of_other_users_are_not_deleted(ada: AdaMemory) -> None:
    words: Any = {"messages": [HumanMessage("hello")]}
    run_id = "5c9ae2a4-6f0c-4a9d-8a2b-3a1c7a7f0001"
    config = ada.config("t2", user_id="bob")
    config["metadata"] = {"run_id": run_id}
    await ada.memory.graph.ainvoke(words, config, context=Context(user_id="bob"))
    with acting_as("ada"), pytest.raises(AccessRefused):
        await ada.saver.adelete_for_runs([run_id])
    with pytest.raises(AccessRefused):
        await ada.saver.adelete_for_runs([run_id])
    assert await ada.saver.aget_tuple(ada.config("t2", user_id="bob"))
    with acting_as("bob"):
        await ada.saver.adelete_for_runs([run_id])
    assert await ada.saver.aget_tuple(ada.config("t2", user_id="bob")) is None


async def test_a_late_write_does_not_restore_a_deleted_thread(ada: AdaMemory) -> None:
    turn = await ada.memory.say(SECRET, thread="late", user_id="ada")
    await turn.finished()
    thread = thread_id(ada.owner, "late")
    # Another process has its own guard, which does not know of the deletion.
    other = OwnedSaver(ada.saver.saver)
    old = await other.aget_tuple(ada.config(thread, user_id="ada"))
    assert old is not None
    with acting_as("ada"):
        await ada.saver.adelete_thread(thread)
    with pytest.raises(ThreadDeleted):
        await other.aput(old.config, old.checkpoint, {"source": "loop", "parents": {}}, {})
    with pytest.raises(ThreadDeleted):
        await other.aput_writes(old.config, [("messages", "late")], "task")
    parents = {"": old.config["configurable"]["checkpoint_id"]}
    child = ada.config(thread, user_id="ada", checkpoint_ns="sub:1", checkpoint_map=parents)
    new: Any = {**old.checkpoint, "id": "ffffffff-0000-6000-8000-000000000000"}
    with pytest.raises(ThreadDeleted):
        await other.aput(child, new, {"source": "loop", "parents": parents}, {})
    assert await collect(ada.saver.alist(ada.config(thread, user_id="ada"))) == []
    with acting_as("ada"), pytest.raises(ThreadDeleted):
        await ada.saver.acopy_thread(ada.thread, thread)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await ada.saver.adelete_thread(thread)
    with pytest.raises(AccessRefused):
        await ada.saver.aput(ada.config(thread, user_id="bob"), new, {}, {})
    turn = await ada.memory.say("A new beginning.", thread="late", user_id="ada")
    await turn.finished()
    state = await ada.memory.graph.aget_state(ada.config(thread, user_id="ada"))
    assert state.values["messages"][0].text == "A new beginning."


async def test_any_other_saver_is_guarded_as_well() -> None:
    saver = OwnedSaver(InMemorySaver())
    config: RunnableConfig = {
        "configurable": {"thread_id": "t", "checkpoint_ns": "", "user_id": "ada"}
    }
    other = OwnedSaver(saver.saver)
    first = await saver.aput(config, empty_checkpoint(), {"source": "input"}, {})
    late = await other.aget_tuple(first)
    assert late is not None
    for guarded in (saver, other):
        with pytest.raises(AccessRefused):
            await guarded.aget_tuple({"configurable": {"thread_id": "t", "user_id": "bob"}})
    with acting_as("ada"):
        await saver.adelete_thread("t")
    with pytest.raises(ThreadDeleted):
        await other.aput(late.config, empty_checkpoint(), {"source": "loop"}, {})
    assert await saver.aget_tuple(config) is None
