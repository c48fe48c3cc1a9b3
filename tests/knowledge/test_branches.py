"""Memory goes with the branch: what was learned on one that was left is known nowhere else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import HumanMessage, RemoveMessage

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.graph.agent import builder
from threadkeep.graph.context import Context
from threadkeep.knowledge.branch_sync import follow_updates
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import all_messages_of, facts_of, messages_of, thread_id, user_key

ADA = Context(user_id="ada")
WHERE = "Where do I live?"


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_memory(settings) as opened:
            yield opened


async def say(memory: Memory, text: str, thread: str = "trip") -> str:
    turn = await memory.say(text, thread=thread, user_id="ada")
    await turn.finished()
    return turn.reply


async def known(memory: Memory) -> str:
    """All that is found of the user: messages and facts, the ended ones marked."""
    owner = await user_key(memory.opened.store, "ada")
    said = await memory.opened.store.asearch(all_messages_of(owner), limit=1_000)
    facts = await memory.opened.store.asearch(facts_of(owner), limit=1_000)
    told = [i.value["text"] for i in said if i.value["role"] == "user"]
    told += [f"[{i.value['text']}]" for i in facts if not i.value["superseded_by"]]
    return "\n".join(sorted(told))


async def checkpoint_before(memory: Memory, text: str, thread: str = "trip") -> dict[str, Any]:
    """Return the config of the state after the turn before the one in which `text` was said."""
    config = (await memory.thread(thread, user_id="ada")).config()
    async for snapshot in memory.graph.aget_state_history(config):
        said = [message.content for message in snapshot.values.get("messages", ())]
        if text not in said and not snapshot.next:
            return dict(snapshot.config)
    raise AssertionError(text)


async def run_from(memory: Memory, config: Any, text: str) -> str:
    """Say something from an older checkpoint, as any LangGraph code forks."""
    given: Any = {"messages": [HumanMessage(text)]}
    done = await memory.graph.ainvoke(given, config, context=ADA, durability="sync")
    return str(done["messages"][-1].content)


async def test_a_turn_taken_back_was_never_said(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    before = await known(memory)
    await say(memory, "I moved to Oslo.")
    assert "Oslo" in await say(memory, WHERE, "another")
    assert await memory.undo("another", user_id="ada") == [WHERE]
    assert await memory.undo("trip", user_id="ada") == ["I moved to Oslo."]
    assert await known(memory) == before
    assert "Oslo" not in await say(memory, WHERE, "another")
    assert "Bergen" in await say(memory, WHERE)


async def test_the_first_turn_can_be_taken_back_too(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I moved to Oslo.")
    assert await memory.undo("trip", 2, user_id="ada") == ["I live in Bergen.", "I moved to Oslo."]
    assert await known(memory) == ""
    assert "Oslo" not in await say(memory, WHERE)
    with pytest.raises(BadInput, match="2 turns of thread 'trip' cannot be taken back"):
        await memory.undo("trip", 2, user_id="ada")


async def test_a_fork_from_a_checkpoint_leaves_what_came_after_it_until_one_returns(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I moved to Oslo.")
    left = (
        await memory.graph.aget_state((await memory.thread("trip", user_id="ada")).config())
    ).config
    earlier = await checkpoint_before(memory, "I moved to Oslo.")
    assert "Oslo" not in await run_from(memory, earlier, WHERE)
    assert "Oslo" not in await say(memory, WHERE, "another")
    assert "[you moved to Oslo" not in await known(memory)
    await run_from(memory, earlier, "I moved to Rome.")
    assert "Rome" in await say(memory, WHERE, "third")
    assert "Oslo" in await run_from(memory, left, WHERE)
    assert "Oslo" in await say(memory, WHERE, "fourth")
    assert "Rome" not in await known(memory)


async def test_a_state_made_the_newest_again_is_followed_before_the_next_turn(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I moved to Oslo.")
    config: Any = await checkpoint_before(memory, "I moved to Oslo.")
    await memory.graph.aupdate_state(config, None, "__copy__")
    assert "Oslo" not in await known(memory)
    assert "Bergen" in await say(memory, WHERE, "another")


async def test_an_edited_message_is_remembered_as_it_reads_now(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I keep two parrots.")
    config = (await memory.thread("trip", user_id="ada")).config()
    old = await memory.graph.aget_state(config)
    (first,) = [m for m in old.values["messages"] if m.content == "I live in Bergen."]
    edited = HumanMessage("I live in Oslo.", id=first.id)
    await memory.graph.aupdate_state(config, {"messages": [edited]}, as_node="store_turn")
    assert "Bergen" not in await known(memory)
    assert "Oslo" in await say(memory, WHERE, "another")
    assert "Bergen" in await run_from(memory, old.config, WHERE)
    assert "Oslo" not in await known(memory)


async def test_a_message_that_is_taken_out_is_not_recalled_and_comes_back(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I keep two parrots.")
    config = (await memory.thread("trip", user_id="ada")).config()
    old = await memory.graph.aget_state(config)
    gone = RemoveMessage(id=old.values["messages"][0].id)
    await memory.graph.aupdate_state(config, {"messages": [gone]}, as_node="store_turn")
    assert "Bergen" not in await known(memory)
    assert "parrots" in await known(memory)
    await run_from(memory, old.config, "Hello.")
    assert "Bergen" in await known(memory)


async def test_two_threads_of_one_conversation_do_not_know_what_the_other_learned(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "I moved to Oslo.")
    assert "Oslo" in await say(memory, WHERE, "another")
    assert "Oslo" not in await say(memory, WHERE, "fork")
    assert "Oslo" not in await known(memory)
    await say(memory, "I moved to Rome.", "fork")
    assert "Rome" in await say(memory, WHERE, "third")
    assert "Rome" not in await say(memory, WHERE)
    assert "Oslo" in await say(memory, WHERE, "fourth")
    assert "Rome" not in await known(memory)
    owner = await user_key(memory.opened.store, "ada")
    found = await memory.opened.store.asearch(
        messages_of(owner, thread_id(owner, "fork")), query="Bergen", limit=10
    )
    assert found, "the fork has a copy of what was said before it"


async def test_a_fork_after_a_turn_knows_nothing_of_the_later_ones(memory: Memory) -> None:
    for text in ("I live in Bergen.", "I keep two parrots.", "I moved to Oslo."):
        await say(memory, text)
    await memory.fork("trip", "fork", at=2, user_id="ada")
    reply = await say(memory, WHERE, "fork")
    assert "Bergen" in reply
    assert "Oslo" not in reply
    with pytest.raises(BadInput, match="cannot be forked after turn 9"):
        await memory.fork("trip", "more", at=9, user_id="ada")
    with pytest.raises(BadInput, match="There is a thread 'fork' already"):
        await memory.fork("trip", "fork", user_id="ada")
    with pytest.raises(BadInput, match="no finished turn"):
        await memory.fork("nowhere", "more", user_id="ada")


async def test_a_fork_of_a_state_that_is_pruned_is_refused_and_nothing_is_lost(
    memory: Memory,
) -> None:
    for number in range(24):
        await say(memory, f"Line {number}.")
    before = await known(memory)
    with pytest.raises(BadInput, match="states are kept for the turns 5 to 24"):
        await memory.fork("trip", "fork", at=2, user_id="ada")
    with pytest.raises(BadInput, match="22 turns of thread 'trip' cannot be taken back"):
        await memory.undo("trip", 22, user_id="ada")
    assert await known(memory) == before


async def test_other_peoples_code_gets_the_same(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with (
        open_store(settings) as store,
        open_checkpointer(settings.checkpoint_database, follow=follow_updates(store)) as saver,
    ):
        graph = builder.compile(checkpointer=saver, store=store)
        config: Any = {"configurable": {"thread_id": "mine", "user_id": "ada"}}

        async def tell(text: str, at: Any = config) -> str:
            given: Any = {"messages": [HumanMessage(text)]}
            done = await graph.ainvoke(given, at, context=ADA, durability="sync")
            return str(done["messages"][-1].content)

        await tell("I live in Bergen.")
        earlier = (await graph.aget_state(config)).config
        await tell("I moved to Oslo.")
        assert "Oslo" in await tell(WHERE)
        assert "Oslo" not in await tell(WHERE, earlier)
        await graph.aupdate_state(earlier, None, "__copy__")
        owner = await user_key(store, "ada")
        said = await store.asearch(all_messages_of(owner), limit=100)
        assert [item.value["text"] for item in said if item.value["role"] == "user"] == [
            "I live in Bergen."
        ]
