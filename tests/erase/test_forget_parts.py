"""Forgetting a message, a thread or a fact: what rests on it goes too, and all else stays."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langgraph.store.base import PutOp

from tests.backends import BACKENDS, asking, fresh_database
from tests.erase.helpers import grep, import_talk, kept_of, say, words
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput, Erased
from threadkeep.base.settings import Settings
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.branch_sync import follow_branch
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import (
    all_messages_of,
    facts_of,
    messages_of,
    notes_of,
    thread_id,
    threads_of,
    user_key,
)
from threadkeep.stores.pages import list_namespaces

ADA = Context(user_id="ada")
SISTER = "My sister Miriam keeps two parrots."
LIVES = "I live in Bergen."
SECRET = "The vault opens with tulip-4711."
TELLING = "My sister Henrietta Moreau moved to Reykjavik on 4 March 2024 with 17 tulip bulbs."


@pytest_asyncio.fixture(params=BACKENDS)
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        async with open_memory(settings) as opened:
            yield opened


@pytest_asyncio.fixture
async def small(tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(Settings(home=tmp_path, model="offline")) as opened:
        yield opened


async def id_of(memory: Memory, text: str, user: str = "ada") -> str:
    """Return the id of the message with this text."""
    owner = await user_key(memory.opened.store, user)
    found = await memory.opened.store.asearch(all_messages_of(owner), limit=10_000)
    return next(item.key for item in found if item.value["text"] == text)


async def fact_of(memory: Memory, text: str) -> str:
    """Return the key of the fact with this text."""
    owner = await user_key(memory.opened.store, "ada")
    found = await memory.opened.store.asearch(facts_of(owner), limit=1_000)
    return next(item.key for item in found if item.value["text"] == text)


async def told(memory: Memory, user: str = "ada") -> str:
    """Return all that is exported of a user, as one text."""
    return str(await kept_of(memory, user))


async def stored(memory: Memory, thread: str) -> list[dict[str, Any]]:
    """Return the stored messages of a thread in their order."""
    owner = await user_key(memory.opened.store, "ada")
    found = await memory.opened.store.asearch(
        messages_of(owner, thread_id(owner, thread)), limit=10_000
    )
    return sorted((item.value for item in found), key=lambda value: int(value["position"]))


async def well_ordered(memory: Memory, thread: str) -> None:
    """Check that places are without gaps, and each message knows the one before it."""
    values = await stored(memory, thread)
    assert [value["position"] for value in values] == list(range(len(values)))
    owner = await user_key(memory.opened.store, "ada")
    record = await memory.opened.store.aget(threads_of(owner), thread_id(owner, thread))
    assert record
    for before, value in pairwise(values):
        # An imported conversation and what follows it are two.
        if value["position"] != record.value.get("begins_at"):
            assert value["before"] == before["text"]
    state = await memory.graph.aget_state((await memory.thread(thread, user_id="ada")).config())
    if state.values:
        assert record.value["last_message"] == state.values["stored_through"]
        assert state.values["stored"] == len(values)


async def test_a_message_goes_with_its_answer_and_what_it_taught(memory: Memory) -> None:
    await say(memory, "ada", "trip", SISTER, LIVES, "Where do I live?")
    await say(memory, "ada", "other", "Where do I live?")
    await say(memory, "bob", "trip", LIVES)
    before = await told(memory, "bob")
    receipt = await memory.forget(
        Target(kind="message", name=await id_of(memory, LIVES)), verify=True, user_id="ada"
    )
    assert receipt.clean, receipt.found
    assert "Bergen" not in await told(memory)
    assert "parrots" in await told(memory)
    assert await told(memory, "bob") == before
    await well_ordered(memory, "trip")
    for thread in ("trip", "third"):
        assert "Bergen" not in await say(memory, "ada", thread, "Where do I live?")
    assert "parrots" in await say(memory, "ada", "trip", "What does Miriam keep?")
    await well_ordered(memory, "trip")
    config = (await memory.thread("trip", user_id="ada")).config()
    async for snapshot in memory.graph.aget_state_history(config):
        assert "Bergen" not in str(snapshot)


async def test_the_beginning_of_an_id_is_enough_when_it_is_of_one_alone(small: Memory) -> None:
    await say(small, "ada", "trip", SISTER, LIVES)
    wanted = await id_of(small, LIVES)
    with pytest.raises(BadInput, match="There is no message ''"):
        await small.forget(Target(kind="message"), user_id="ada")
    other = await id_of(small, SISTER)
    shared = next(n for n in range(36) if wanted[n] != other[n])
    await small.forget(Target(kind="memory", name=wanted[: shared + 9]), user_id="ada")
    assert "Bergen" not in await told(small)


async def test_copies_in_forks_and_on_left_branches_go_too(small: Memory) -> None:
    await say(small, "ada", "trip", SISTER, SECRET)
    await small.fork("trip", "fork", user_id="ada")
    await say(small, "ada", "fork", "And what else?")
    await say(small, "ada", "trip", "What opens the vault?")
    await small.undo("trip", user_id="ada")
    receipt = await small.forget(
        Target(kind="message", name=await id_of(small, SECRET)), verify=True, user_id="ada"
    )
    assert receipt.clean, receipt.found
    assert grep(small.settings.home, "tulip-4711") == []
    assert "tulip" not in await told(small)
    for thread in ("fork", "trip"):
        await say(small, "ada", thread, "Who is Miriam?")
        await well_ordered(small, thread)


async def test_a_forgotten_thread_leaves_its_fork_whole(memory: Memory) -> None:
    await say(memory, "ada", "trip", SISTER)
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "ada", "fork", LIVES)
    await say(memory, "ada", "trip", SECRET)
    await memory.opened.store.index_pending()
    receipt = await memory.forget(Target(kind="thread", name="trip"), verify=True, user_id="ada")
    assert receipt.clean, receipt.found
    assert grep(memory.settings.home, "tulip-4711") == []
    everything = await told(memory)
    assert "tulip" not in everything
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


async def test_what_was_learned_from_a_thread_alone_goes_and_the_rest_stays(small: Memory) -> None:
    await say(small, "ada", "trip", SISTER, LIVES)
    await say(small, "ada", "other", LIVES)
    await small.delete_thread("trip", user_id="ada")
    assert "Bergen" in await say(small, "ada", "new", "Where do I live?")
    assert "Miriam" not in await told(small)


async def test_a_fact_goes_with_the_messages_that_taught_it(memory: Memory) -> None:
    await say(memory, "ada", "trip", SISTER, LIVES)
    await say(memory, "ada", "other", LIVES, "Where do I live?")
    key = await fact_of(memory, "user lives in Bergen")
    plan = await memory.plan_erasure(Target(kind="fact", name=key[:9]), user_id="ada")
    assert sum("taught it" in line for line in plan.lines()) == 2
    assert sum("answers it" in line for line in plan.lines()) == 2
    receipt = await memory.forget(Target(kind="fact", name=key[:9]), verify=True, user_id="ada")
    assert receipt.clean, receipt.found
    assert "Bergen" not in await told(memory)
    assert "Bergen" not in await say(memory, "ada", "trip", "Where do I live?")
    await rebuild_knowledge(memory.opened.store, await user_key(memory.opened.store, "ada"))
    assert "Bergen" not in await told(memory)
    await say(memory, "ada", "trip", LIVES)
    assert "user lives in Bergen" in await told(memory), "what is said anew is learned anew"


async def test_a_fact_can_go_alone_and_is_not_learned_again(small: Memory) -> None:
    await say(small, "ada", "trip", "I live in Bergen and my dog is called Rufus.")
    key = await fact_of(small, "user lives in Bergen")
    await small.forget(Target(kind="fact", name=key, keep_messages=True), user_id="ada")
    owner = await user_key(small.opened.store, "ada")

    async def facts() -> list[str]:
        found = await small.opened.store.asearch(facts_of(owner), limit=100)
        return [item.value["text"] for item in found]

    assert "user lives in Bergen" not in await facts()
    assert any("Rufus" in text for text in await facts())
    await rebuild_knowledge(small.opened.store, owner)
    await say(small, "ada", "trip", LIVES)
    assert "user lives in Bergen" not in await facts()
    assert LIVES in await told(small)


async def test_a_thread_whose_only_message_goes_is_gone(small: Memory) -> None:
    await say(small, "ada", "only", SECRET)
    await say(small, "ada", "trip", SISTER)
    await small.forget(Target(kind="message", name=await id_of(small, SECRET)), user_id="ada")
    owner = await user_key(small.opened.store, "ada")
    records = await small.opened.store.asearch(threads_of(owner))
    assert [record.value["name"] for record in records] == ["trip"]


async def test_messages_of_an_import_close_up_and_the_thread_goes_on(small: Memory) -> None:
    await import_talk(small.settings, "ada", 20)
    await say(small, "ada", "diary-0", "And what else?")
    for number in (0, 7, 18):
        wanted = await id_of(small, words("ada", number))
        await small.forget(Target(kind="message", name=wanted), user_id="ada")
        await well_ordered(small, "diary-0")
    await say(small, "ada", "diary-0", "Still there?")
    await well_ordered(small, "diary-0")
    texts = [value["text"] for value in await stored(small, "diary-0")]
    assert words("ada", 0) not in texts
    assert words("ada", 1) not in texts, "the answer to it"
    assert words("ada", 7) not in texts
    assert words("ada", 6) in texts


async def test_a_summary_that_rests_on_it_is_made_again_of_the_others(small: Memory) -> None:
    context = Context(user_id="ada", max_tokens=1_000, reserve_tokens=300, recall_tokens=0)
    said = [f"Room {n} holds {n * 37} blue crates of type K-{n}." for n in range(24)]
    said[1] = TELLING
    config = (await small.thread("trip", user_id="ada")).config()
    old: dict[str, Any] = {}
    while "tulip" not in old.get("summary", ""):
        turn = await small.say(said.pop(0), thread="trip", **asking(context))
        await turn.finished()
        old = (await small.graph.aget_state(config)).values
    receipt = await small.forget(
        Target(kind="message", name=await id_of(small, TELLING)), verify=True, user_id="ada"
    )
    assert receipt.clean, receipt.found
    new = (await small.graph.aget_state(config)).values
    assert "tulip" not in str(new)
    assert new["summary"] == ""
    assert "blue crates" in new["extract"]
    owner = await user_key(small.opened.store, "ada")
    spoken = await small.opened.store.asearch(
        messages_of(owner, thread_id(owner, "trip")), limit=1_000
    )
    order = [item.key for item in sorted(spoken, key=lambda item: int(item.value["position"]))]
    shown = {str(message.id) for message in new["messages"]}
    assert {*order[order.index(new["extracted_through"]) + 1 :]} <= shown, "shown or covered"
    assert "tulip" not in str((await small.prompt("trip", **asking(context))).prompt)
    turn = await small.say("What does room 5 hold?", thread="trip", **asking(context))
    await turn.finished()
    await well_ordered(small, "trip")


async def test_what_comes_late_from_before_is_refused_and_what_is_new_is_not(
    memory: Memory,
) -> None:
    await say(memory, "ada", "trip", SISTER, LIVES)
    owner = await user_key(memory.opened.store, "ada")
    thread, wanted = thread_id(owner, "trip"), await id_of(memory, LIVES)
    state = await memory.graph.aget_state((await memory.thread("trip", user_id="ada")).config())
    stands_on = str(state.config["configurable"]["checkpoint_id"])
    late = PutOp(messages_of(owner, thread), wanted, {"text": LIVES, "position": 9})
    note = PutOp(notes_of(owner, thread), wanted, {"said_at": "", "facts": []})
    other = PutOp(messages_of(owner, thread), "another", {"text": "x", "position": 9})
    await memory.forget(Target(kind="message", name=wanted), user_id="ada")
    for op in (late, note):
        with pytest.raises(Erased):
            await _write_standing_on(memory, stands_on, [other, op])
    await _write_standing_on(memory, stands_on, [other])
    await memory.forget(Target(kind="thread", name="trip"), user_id="ada")
    record = PutOp(threads_of(owner), thread, {"name": "trip"}, index=False)
    for op in (other, record):
        with pytest.raises(Erased):
            await _write_standing_on(memory, stands_on, [op])
    await say(memory, "ada", "fourth", LIVES)
    fact = PutOp(facts_of(owner), "f", {"text": "user lives in Bergen"})
    await _write_standing_on(memory, stands_on, [fact])
    await memory.forget(Target(kind="user"), user_id="ada")
    with pytest.raises(Erased):
        await _write_standing_on(memory, stands_on, [fact])
    assert await list_namespaces(memory.opened.store, owner) == []
    await say(memory, "ada", "trip", "A new beginning.")
    assert "new beginning" in await told(memory)


async def _write_standing_on(memory: Memory, checkpoint: str, ops: list[PutOp]) -> None:
    """Write as a node of a run does whose newest checkpoint is this one."""
    from langchain_core.runnables.config import var_child_runnable_config

    config: Any = {"configurable": {"checkpoint_map": {"": checkpoint}}}
    token = var_child_runnable_config.set(config)
    try:
        await memory.opened.store.abatch(ops)
    finally:
        var_child_runnable_config.reset(token)


async def test_a_branch_that_was_left_comes_back_without_what_was_forgotten(small: Memory) -> None:
    await say(small, "ada", "trip", SISTER, SECRET)
    await small.undo("trip", user_id="ada")
    owner = await user_key(small.opened.store, "ada")
    thread = thread_id(owner, "trip")
    plan = await small.plan_erasure(
        Target(kind="message", name=(await _left(small))[0]), user_id="ada"
    )
    assert "tulip" in " ".join(plan.lines())
    await small.forget(Target(kind="message", name=(await _left(small))[0]), user_id="ada")
    state = await small.graph.aget_state((await small.thread("trip", user_id="ada")).config())
    await follow_branch(small.opened.store, owner, thread, head_of(state.values))
    assert "tulip" not in await told(small)
    assert "parrots" in await told(small)


async def _left(memory: Memory) -> list[str]:
    owner = await user_key(memory.opened.store, "ada")
    found = await memory.opened.store.asearch((owner, "abandoned"), limit=100)
    return [i.value["id"] for i in found if i.value["message"]["text"] == SECRET]


async def test_a_history_under_the_users_key_goes_with_what_it_is_about(small: Memory) -> None:
    await say(small, "ada", "trip", SISTER, LIVES)
    owner = await user_key(small.opened.store, "ada")
    lives = await fact_of(small, "user lives in Bergen")
    space = (owner, "history")
    await small.opened.store.aput(space, "1", {"of": lives, "old": "user lives in Bergn"})
    await small.opened.store.aput(
        space, "2", {"of": await fact_of(small, "Miriam keeps two parrots")}
    )
    await small.forget(Target(kind="fact", name=lives), user_id="ada")
    assert [item.key for item in await small.opened.store.asearch(space)] == ["2"]


async def test_what_speaks_for_other_memories_stays_with_them(small: Memory) -> None:
    said = (
        "Miriam's parrots eat sunflower seeds.",
        "Miriam's parrots were bought in Porto.",
        "Miriam paints birds on Sundays.",
    )
    vector = Context(user_id="ada", memory="vector")
    for text in said:
        await (await small.say(text, thread="told", **asking(vector))).finished()
    await (
        await small.say("What do Miriam's parrots eat?", thread="asked", **asking(vector))
    ).finished()
    before = {m["id"]: m for m in (await small.why("asked", user_id=vector.user_id))["memories"]}
    gone = await id_of(small, said[1])
    assert gone in list(before)[:-1], "something comes after it"
    assert len({str(m["parts"]) for m in before.values()}) == len(before)
    await small.forget(Target(kind="message", name=gone), user_id=vector.user_id)
    after = {m["id"]: m for m in (await small.why("asked", user_id=vector.user_id))["memories"]}
    assert after
    assert gone not in after
    for each, memory in after.items():
        assert (memory["score"], memory["parts"]) == (before[each]["score"], before[each]["parts"])
