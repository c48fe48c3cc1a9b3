"""Erasing a thread or a fact erases what rests on it alone; late writes are refused."""

from typing import Any

import pytest
from langgraph.store.base import PutOp

from tests.erase.helpers import exported, fact_of, grep, id_of, say
from threadkeep.base.errors import BadInput, Erased
from threadkeep.erase.plan import Target
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.memory import Memory
from threadkeep.stores.namespaces import (
    facts_of,
    messages_of,
    notes_of,
    thread_id,
    threads_of,
    user_key,
)
from threadkeep.stores.pages import list_namespaces

SISTER = "My sister Miriam keeps two parrots."
LIVES = "I live in Bergen."
NOW = "2026-03-04T09:30:00+00:00"
SECRET = "The vault opens with tulip-4711."


async def test_erasing_a_thread_keeps_its_fork_complete(memory: Memory) -> None:
    await say(memory, "ada", "trip", SISTER)
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "ada", "fork", LIVES)
    await say(memory, "ada", "trip", SECRET)
    await memory.opened.store.index_pending()
    receipt = await memory.forget(Target(kind="thread", name="trip"), verify=True, user_id="ada")
    assert receipt.clean, receipt.found
    assert grep(memory.settings.home, "tulip-4711") == []
    export = await exported(memory)
    assert "tulip" not in export
    assert thread_id(await user_key(memory.opened.store, "ada"), "trip") not in [
        item.key
        for item in await memory.opened.store.asearch(
            threads_of(await user_key(memory.opened.store, "ada"))
        )
    ]
    assert "parrots" in await say(memory, "ada", "fork", "What does Miriam keep?")
    assert "Bergen" in await say(memory, "ada", "new", "Where do I live?")
    with pytest.raises(BadInput, match="has no thread 'trip'"):
        await memory.forget(Target(kind="thread", name="trip"), user_id="ada")


async def test_facts_of_an_erased_thread_alone_are_erased(sqlite_memory: Memory) -> None:
    await say(sqlite_memory, "ada", "trip", SISTER, LIVES)
    await say(sqlite_memory, "ada", "other", LIVES)
    await sqlite_memory.delete_thread("trip", user_id="ada")
    assert "Bergen" in await say(sqlite_memory, "ada", "new", "Where do I live?")
    assert "Miriam" not in await exported(sqlite_memory)


async def test_a_fact_is_erased_with_the_messages_that_state_it(memory: Memory) -> None:
    await say(memory, "ada", "trip", SISTER, LIVES)
    await say(memory, "ada", "other", LIVES, "Where do I live?")
    key = await fact_of(memory, "user lives in Bergen")
    plan = await memory.plan_erasure(Target(kind="fact", name=key[:9]), user_id="ada")
    assert sum("taught it" in line for line in plan.lines()) == 2
    assert sum("answers it" in line for line in plan.lines()) == 2
    receipt = await memory.forget(Target(kind="fact", name=key[:9]), verify=True, user_id="ada")
    assert receipt.clean, receipt.found
    assert "Bergen" not in await exported(memory)
    assert "Bergen" not in await say(memory, "ada", "trip", "Where do I live?")
    await rebuild_knowledge(memory.opened.store, await user_key(memory.opened.store, "ada"))
    assert "Bergen" not in await exported(memory)
    await say(memory, "ada", "trip", LIVES)
    assert "user lives in Bergen" in await exported(memory), "what is said anew is learned anew"


async def test_a_fact_erased_alone_is_not_learned_again(sqlite_memory: Memory) -> None:
    await say(sqlite_memory, "ada", "trip", "I live in Bergen and my dog is called Rufus.")
    key = await fact_of(sqlite_memory, "user lives in Bergen")
    await sqlite_memory.forget(Target(kind="fact", name=key, keep_messages=True), user_id="ada")
    owner = await user_key(sqlite_memory.opened.store, "ada")

    async def facts() -> list[str]:
        items = await sqlite_memory.opened.store.asearch(facts_of(owner), limit=100)
        return [item.value["text"] for item in items]

    assert "user lives in Bergen" not in await facts()
    assert any("Rufus" in text for text in await facts())
    await rebuild_knowledge(sqlite_memory.opened.store, owner)
    await say(sqlite_memory, "ada", "trip", LIVES)
    assert "user lives in Bergen" not in await facts()
    assert LIVES in await exported(sqlite_memory)


async def test_a_thread_is_erased_with_its_only_message(sqlite_memory: Memory) -> None:
    await say(sqlite_memory, "ada", "only", SECRET)
    await say(sqlite_memory, "ada", "trip", SISTER)
    await sqlite_memory.forget(
        Target(kind="message", name=await id_of(sqlite_memory, SECRET)), user_id="ada"
    )
    owner = await user_key(sqlite_memory.opened.store, "ada")
    records = await sqlite_memory.opened.store.asearch(threads_of(owner))
    assert [record.value["name"] for record in records] == ["trip"]


async def test_items_of_other_labels_that_name_an_erased_fact_are_erased(
    sqlite_memory: Memory,
) -> None:
    await say(sqlite_memory, "ada", "trip", SISTER, LIVES)
    owner = await user_key(sqlite_memory.opened.store, "ada")
    lives = await fact_of(sqlite_memory, "user lives in Bergen")
    space = (owner, "history")
    await sqlite_memory.opened.store.aput(space, "1", {"of": lives, "old": "user lives in Bergn"})
    await sqlite_memory.opened.store.aput(
        space, "2", {"of": await fact_of(sqlite_memory, "Miriam keeps two parrots")}
    )
    await sqlite_memory.forget(Target(kind="fact", name=lives), user_id="ada")
    assert [item.key for item in await sqlite_memory.opened.store.asearch(space)] == ["2"]


async def test_late_writes_are_refused_and_new_ones_are_not(
    memory: Memory,
) -> None:
    await say(memory, "ada", "trip", SISTER, LIVES)
    owner = await user_key(memory.opened.store, "ada")
    thread, message = thread_id(owner, "trip"), await id_of(memory, LIVES)
    state = await memory.graph.aget_state((await memory.thread("trip", user_id="ada")).config())
    checkpoint = str(state.config["configurable"]["checkpoint_id"])
    fields = {"role": "user", "position": 9, "time": NOW}
    late = PutOp(messages_of(owner, thread), message, {"text": LIVES, **fields})
    note = PutOp(notes_of(owner, thread), message, {"said_at": NOW, "facts": []})
    other = PutOp(messages_of(owner, thread), "another", {"text": "x", **fields})
    await memory.forget(Target(kind="message", name=message), user_id="ada")
    for op in (late, note):
        with pytest.raises(Erased):
            await _write_as_run(memory, checkpoint, [other, op])
    await _write_as_run(memory, checkpoint, [other])
    await memory.forget(Target(kind="thread", name="trip"), user_id="ada")
    record = PutOp(threads_of(owner), thread, {"name": "trip"}, index=False)
    for op in (other, record):
        with pytest.raises(Erased):
            await _write_as_run(memory, checkpoint, [op])
    await say(memory, "ada", "fourth", LIVES)
    claim = {"subject": "user", "predicate": "lives in", "object": "Bergen", "sources": []}
    fact = PutOp(facts_of(owner), "f", {"text": "user lives in Bergen", **claim})
    await _write_as_run(memory, checkpoint, [fact])
    await memory.forget(Target(kind="user"), user_id="ada")
    with pytest.raises(Erased):
        await _write_as_run(memory, checkpoint, [fact])
    assert await list_namespaces(memory.opened.store, owner) == []
    await say(memory, "ada", "trip", "A new beginning.")
    assert "new beginning" in await exported(memory)


async def _write_as_run(memory: Memory, checkpoint: str, ops: list[PutOp]) -> None:
    """Write to the store as a node of a run with this newest checkpoint."""
    from langchain_core.runnables.config import var_child_runnable_config

    config: Any = {"configurable": {"checkpoint_map": {"": checkpoint}}}
    token = var_child_runnable_config.set(config)
    try:
        await memory.opened.store.abatch(ops)
    finally:
        var_child_runnable_config.reset(token)
