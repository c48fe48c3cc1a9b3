"""Memory follows the branch: what an abandoned branch learned is unknown on the others."""

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
QUESTION = "Where do I live?"


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


async def known_texts(memory: Memory) -> str:
    """Return the user's messages and the current facts, each fact in brackets, sorted."""
    owner = await user_key(memory.opened.store, "ada")
    messages = await memory.opened.store.asearch(all_messages_of(owner), limit=1_000)
    facts = await memory.opened.store.asearch(facts_of(owner), limit=1_000)
    texts = [item.value["text"] for item in messages if item.value["role"] == "user"]
    texts += [f"[{item.value['text']}]" for item in facts if not item.value["superseded_by"]]
    return "\n".join(sorted(texts))


async def checkpoint_before(memory: Memory, text: str, thread: str = "trip") -> dict[str, Any]:
    """Return the config of the newest finished state without the message `text`."""
    config = (await memory.thread(thread, user_id="ada")).config()
    async for snapshot in memory.graph.aget_state_history(config):
        texts = [message.content for message in snapshot.values.get("messages", ())]
        if text not in texts and not snapshot.next:
            return dict(snapshot.config)
    raise AssertionError(text)


async def run_from(memory: Memory, config: Any, text: str) -> str:
    """Run a turn from an older checkpoint, which forks the thread."""
    input_: Any = {"messages": [HumanMessage(text)]}
    output = await memory.graph.ainvoke(input_, config, context=ADA, durability="sync")
    return str(output["messages"][-1].content)


async def test_an_undone_turn_is_not_remembered(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    before = await known_texts(memory)
    await say(memory, "I moved to Oslo.")
    assert "Oslo" in await say(memory, QUESTION, "another")
    assert await memory.undo("another", user_id="ada") == [QUESTION]
    assert await memory.undo("trip", user_id="ada") == ["I moved to Oslo."]
    assert await known_texts(memory) == before
    assert "Oslo" not in await say(memory, QUESTION, "another")
    assert "Bergen" in await say(memory, QUESTION)


async def test_the_first_turn_can_be_undone_too(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I moved to Oslo.")
    assert await memory.undo("trip", 2, user_id="ada") == ["I live in Bergen.", "I moved to Oslo."]
    assert await known_texts(memory) == ""
    assert "Oslo" not in await say(memory, QUESTION)
    with pytest.raises(BadInput, match="2 turns of thread 'trip' cannot be taken back"):
        await memory.undo("trip", 2, user_id="ada")


async def test_a_run_from_an_old_checkpoint_hides_later_messages_until_a_run_returns_to_them(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I moved to Oslo.")
    newest_config = (
        await memory.graph.aget_state((await memory.thread("trip", user_id="ada")).config())
    ).config
    earlier_config = await checkpoint_before(memory, "I moved to Oslo.")
    assert "Oslo" not in await run_from(memory, earlier_config, QUESTION)
    assert "Oslo" not in await say(memory, QUESTION, "another")
    assert "[you moved to Oslo" not in await known_texts(memory)
    await run_from(memory, earlier_config, "I moved to Rome.")
    assert "Rome" in await say(memory, QUESTION, "third")
    assert "Oslo" in await run_from(memory, newest_config, QUESTION)
    assert "Oslo" in await say(memory, QUESTION, "fourth")
    assert "Rome" not in await known_texts(memory)


async def test_memory_follows_a_restored_state_before_the_next_turn(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I moved to Oslo.")
    config: Any = await checkpoint_before(memory, "I moved to Oslo.")
    await memory.graph.aupdate_state(config, None, "__copy__")
    assert "Oslo" not in await known_texts(memory)
    assert "Bergen" in await say(memory, QUESTION, "another")


async def test_an_edited_message_is_remembered_with_its_new_text(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I keep two parrots.")
    config = (await memory.thread("trip", user_id="ada")).config()
    old_state = await memory.graph.aget_state(config)
    (first_message,) = [
        message
        for message in old_state.values["messages"]
        if message.content == "I live in Bergen."
    ]
    edited = HumanMessage("I live in Oslo.", id=first_message.id)
    await memory.graph.aupdate_state(config, {"messages": [edited]}, as_node="store_turn")
    assert "Bergen" not in await known_texts(memory)
    assert "Oslo" in await say(memory, QUESTION, "another")
    assert "Bergen" in await run_from(memory, old_state.config, QUESTION)
    assert "Oslo" not in await known_texts(memory)


async def test_a_removed_message_is_not_recalled_and_can_be_restored(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I keep two parrots.")
    config = (await memory.thread("trip", user_id="ada")).config()
    old_state = await memory.graph.aget_state(config)
    removal = RemoveMessage(id=old_state.values["messages"][0].id)
    await memory.graph.aupdate_state(config, {"messages": [removal]}, as_node="store_turn")
    assert "Bergen" not in await known_texts(memory)
    assert "parrots" in await known_texts(memory)
    await run_from(memory, old_state.config, "Hello.")
    assert "Bergen" in await known_texts(memory)


async def test_a_fork_does_not_know_what_its_source_learns_later(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "I moved to Oslo.")
    assert "Oslo" in await say(memory, QUESTION, "another")
    assert "Oslo" not in await say(memory, QUESTION, "fork")
    assert "Oslo" not in await known_texts(memory)
    await say(memory, "I moved to Rome.", "fork")
    assert "Rome" in await say(memory, QUESTION, "third")
    assert "Rome" not in await say(memory, QUESTION)
    assert "Oslo" in await say(memory, QUESTION, "fourth")
    assert "Rome" not in await known_texts(memory)
    owner = await user_key(memory.opened.store, "ada")
    items = await memory.opened.store.asearch(
        messages_of(owner, thread_id(owner, "fork")), query="Bergen", limit=10
    )
    assert items, "the fork has a copy of the earlier messages"


async def test_a_fork_at_a_turn_does_not_know_later_turns(memory: Memory) -> None:
    for text in ("I live in Bergen.", "I keep two parrots.", "I moved to Oslo."):
        await say(memory, text)
    await memory.fork("trip", "fork", at=2, user_id="ada")
    reply = await say(memory, QUESTION, "fork")
    assert "Bergen" in reply
    assert "Oslo" not in reply
    with pytest.raises(BadInput, match="cannot be forked after turn 9"):
        await memory.fork("trip", "more", at=9, user_id="ada")
    with pytest.raises(BadInput, match="There is a thread 'fork' already"):
        await memory.fork("trip", "fork", user_id="ada")
    with pytest.raises(BadInput, match="no finished turn"):
        await memory.fork("nowhere", "more", user_id="ada")


async def test_a_fork_or_undo_to_a_pruned_state_is_refused_and_changes_nothing(
    memory: Memory,
) -> None:
    for number in range(24):
        await say(memory, f"Line {number}.")
    before = await known_texts(memory)
    with pytest.raises(BadInput, match="states are kept for the turns 5 to 24"):
        await memory.fork("trip", "fork", at=2, user_id="ada")
    with pytest.raises(BadInput, match="22 turns of thread 'trip' cannot be taken back"):
        await memory.undo("trip", 22, user_id="ada")
    assert await known_texts(memory) == before


async def test_memory_follows_branches_in_a_graph_that_the_caller_compiles(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with (
        open_store(settings) as store,
        open_checkpointer(settings.checkpoint_database, follow=follow_updates(store)) as saver,
    ):
        graph = builder.compile(checkpointer=saver, store=store)
        config: Any = {"configurable": {"thread_id": "mine", "user_id": "ada"}}

        async def run_turn(text: str, run_config: Any = config) -> str:
            input_: Any = {"messages": [HumanMessage(text)]}
            output = await graph.ainvoke(input_, run_config, context=ADA, durability="sync")
            return str(output["messages"][-1].content)

        await run_turn("I live in Bergen.")
        earlier_config = (await graph.aget_state(config)).config
        await run_turn("I moved to Oslo.")
        assert "Oslo" in await run_turn(QUESTION)
        assert "Oslo" not in await run_turn(QUESTION, earlier_config)
        await graph.aupdate_state(earlier_config, None, "__copy__")
        owner = await user_key(store, "ada")
        messages = await store.asearch(all_messages_of(owner), limit=100)
        assert [item.value["text"] for item in messages if item.value["role"] == "user"] == [
            "I live in Bergen."
        ]
