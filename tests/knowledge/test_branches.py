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
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import all_messages_of, facts_of, messages_of, thread_id, user_key
from threadkeep.turn_agent import Agent, open_agent

ADA = Context(user_id="ada")
WHERE = "Where do I live?"


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_agent(settings) as opened:
            yield opened


async def say(agent: Agent, text: str, thread: str = "trip") -> str:
    turn = await agent.say(ADA, thread, text)
    await turn.finished()
    return turn.reply


async def known(agent: Agent) -> str:
    """All that is found of the user: messages and facts, the ended ones marked."""
    owner = await user_key(agent.store, "ada")
    said = await agent.store.asearch(all_messages_of(owner), limit=1_000)
    facts = await agent.store.asearch(facts_of(owner), limit=1_000)
    told = [i.value["text"] for i in said if i.value["role"] == "user"]
    told += [f"[{i.value['text']}]" for i in facts if not i.value["superseded_by"]]
    return "\n".join(sorted(told))


async def checkpoint_before(agent: Agent, text: str, thread: str = "trip") -> dict[str, Any]:
    """Return the config of the state after the turn before the one in which `text` was said."""
    config = await agent.config(ADA, thread)
    async for snapshot in agent.graph.aget_state_history(config):
        said = [message.content for message in snapshot.values.get("messages", ())]
        if text not in said and not snapshot.next:
            return dict(snapshot.config)
    raise AssertionError(text)


async def run_from(agent: Agent, config: Any, text: str) -> str:
    """Say something from an older checkpoint, as any LangGraph code forks."""
    given: Any = {"messages": [HumanMessage(text)]}
    done = await agent.graph.ainvoke(given, config, context=ADA, durability="sync")
    return str(done["messages"][-1].content)


async def test_a_turn_taken_back_was_never_said(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    before = await known(agent)
    await say(agent, "I moved to Oslo.")
    assert "Oslo" in await say(agent, WHERE, "another")
    assert await agent.undo(ADA, "another") == [WHERE]
    assert await agent.undo(ADA, "trip") == ["I moved to Oslo."]
    assert await known(agent) == before
    assert "Oslo" not in await say(agent, WHERE, "another")
    assert "Bergen" in await say(agent, WHERE)


async def test_the_first_turn_can_be_taken_back_too(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    await say(agent, "I moved to Oslo.")
    assert await agent.undo(ADA, "trip", 2) == ["I live in Bergen.", "I moved to Oslo."]
    assert await known(agent) == ""
    assert "Oslo" not in await say(agent, WHERE)
    with pytest.raises(BadInput, match="2 turns of thread 'trip' cannot be taken back"):
        await agent.undo(ADA, "trip", 2)


async def test_a_fork_from_a_checkpoint_leaves_what_came_after_it_until_one_returns(
    agent: Agent,
) -> None:
    await say(agent, "I live in Bergen.")
    await say(agent, "I moved to Oslo.")
    left = (await agent.graph.aget_state(await agent.config(ADA, "trip"))).config
    earlier = await checkpoint_before(agent, "I moved to Oslo.")
    assert "Oslo" not in await run_from(agent, earlier, WHERE)
    assert "Oslo" not in await say(agent, WHERE, "another")
    assert "[you moved to Oslo" not in await known(agent)
    await run_from(agent, earlier, "I moved to Rome.")
    assert "Rome" in await say(agent, WHERE, "third")
    assert "Oslo" in await run_from(agent, left, WHERE)
    assert "Oslo" in await say(agent, WHERE, "fourth")
    assert "Rome" not in await known(agent)


async def test_a_state_made_the_newest_again_is_followed_before_the_next_turn(
    agent: Agent,
) -> None:
    await say(agent, "I live in Bergen.")
    await say(agent, "I moved to Oslo.")
    config: Any = await checkpoint_before(agent, "I moved to Oslo.")
    await agent.graph.aupdate_state(config, None, "__copy__")
    assert "Oslo" not in await known(agent)
    assert "Bergen" in await say(agent, WHERE, "another")


async def test_an_edited_message_is_remembered_as_it_reads_now(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    await say(agent, "I keep two parrots.")
    config = await agent.config(ADA, "trip")
    old = await agent.graph.aget_state(config)
    (first,) = [m for m in old.values["messages"] if m.content == "I live in Bergen."]
    edited = HumanMessage("I live in Oslo.", id=first.id)
    await agent.graph.aupdate_state(config, {"messages": [edited]}, as_node="store_turn")
    assert "Bergen" not in await known(agent)
    assert "Oslo" in await say(agent, WHERE, "another")
    assert "Bergen" in await run_from(agent, old.config, WHERE)
    assert "Oslo" not in await known(agent)


async def test_a_message_that_is_taken_out_is_not_recalled_and_comes_back(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    await say(agent, "I keep two parrots.")
    config = await agent.config(ADA, "trip")
    old = await agent.graph.aget_state(config)
    gone = RemoveMessage(id=old.values["messages"][0].id)
    await agent.graph.aupdate_state(config, {"messages": [gone]}, as_node="store_turn")
    assert "Bergen" not in await known(agent)
    assert "parrots" in await known(agent)
    await run_from(agent, old.config, "Hello.")
    assert "Bergen" in await known(agent)


async def test_two_threads_of_one_conversation_do_not_know_what_the_other_learned(
    agent: Agent,
) -> None:
    await say(agent, "I live in Bergen.")
    await agent.fork_thread(ADA, "trip", "fork")
    await say(agent, "I moved to Oslo.")
    assert "Oslo" in await say(agent, WHERE, "another")
    assert "Oslo" not in await say(agent, WHERE, "fork")
    assert "Oslo" not in await known(agent)
    await say(agent, "I moved to Rome.", "fork")
    assert "Rome" in await say(agent, WHERE, "third")
    assert "Rome" not in await say(agent, WHERE)
    assert "Oslo" in await say(agent, WHERE, "fourth")
    assert "Rome" not in await known(agent)
    owner = await user_key(agent.store, "ada")
    found = await agent.store.asearch(
        messages_of(owner, thread_id(owner, "fork")), query="Bergen", limit=10
    )
    assert found, "the fork has a copy of what was said before it"


async def test_a_fork_after_a_turn_knows_nothing_of_the_later_ones(agent: Agent) -> None:
    for text in ("I live in Bergen.", "I keep two parrots.", "I moved to Oslo."):
        await say(agent, text)
    await agent.fork_thread(ADA, "trip", "fork", at=2)
    reply = await say(agent, WHERE, "fork")
    assert "Bergen" in reply
    assert "Oslo" not in reply
    with pytest.raises(BadInput, match="cannot be forked after turn 9"):
        await agent.fork_thread(ADA, "trip", "more", at=9)
    with pytest.raises(BadInput, match="There is a thread 'fork' already"):
        await agent.fork_thread(ADA, "trip", "fork")
    with pytest.raises(BadInput, match="no finished turn"):
        await agent.fork_thread(ADA, "nowhere", "more")


async def test_a_fork_of_a_state_that_is_pruned_is_refused_and_nothing_is_lost(
    agent: Agent,
) -> None:
    for number in range(24):
        await say(agent, f"Line {number}.")
    before = await known(agent)
    with pytest.raises(BadInput, match="states are kept for the turns 5 to 24"):
        await agent.fork_thread(ADA, "trip", "fork", at=2)
    with pytest.raises(BadInput, match="22 turns of thread 'trip' cannot be taken back"):
        await agent.undo(ADA, "trip", 22)
    assert await known(agent) == before


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
