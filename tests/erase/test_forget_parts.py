"""Forgetting a message, a thread or a fact: what rests on it goes too, and all else stays."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langgraph.store.base import PutOp

from tests.backends import BACKENDS, fresh_database
from tests.erase.helpers import grep, import_talk, kept_of, say, words
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput, Erased
from threadkeep.base.settings import Settings
from threadkeep.cli.show_prompt import plan_of
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.branch_sync import follow_branch
from threadkeep.knowledge.rebuild import rebuild_knowledge
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
from threadkeep.turn_agent import Agent, open_agent
from threadkeep.turn_memory import why

ADA = Context(user_id="ada")
SISTER = "My sister Miriam keeps two parrots."
LIVES = "I live in Bergen."
SECRET = "The vault opens with tulip-4711."
TELLING = "My sister Henrietta Moreau moved to Reykjavik on 4 March 2024 with 17 tulip bulbs."


@pytest_asyncio.fixture(params=BACKENDS)
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        async with open_agent(settings) as opened:
            yield opened


@pytest_asyncio.fixture
async def small(tmp_path: Path) -> AsyncIterator[Agent]:
    async with open_agent(Settings(home=tmp_path, model="offline")) as opened:
        yield opened


async def id_of(agent: Agent, text: str, user: str = "ada") -> str:
    """Return the id of the message with this text."""
    owner = await user_key(agent.store, user)
    found = await agent.store.asearch(all_messages_of(owner), limit=10_000)
    return next(item.key for item in found if item.value["text"] == text)


async def fact_of(agent: Agent, text: str) -> str:
    """Return the key of the fact with this text."""
    owner = await user_key(agent.store, "ada")
    found = await agent.store.asearch(facts_of(owner), limit=1_000)
    return next(item.key for item in found if item.value["text"] == text)


async def told(agent: Agent, user: str = "ada") -> str:
    """Return all that is exported of a user, as one text."""
    return str(await kept_of(agent, user))


async def stored(agent: Agent, thread: str) -> list[dict[str, Any]]:
    """Return the stored messages of a thread in their order."""
    owner = await user_key(agent.store, "ada")
    found = await agent.store.asearch(messages_of(owner, thread_id(owner, thread)), limit=10_000)
    return sorted((item.value for item in found), key=lambda value: int(value["position"]))


async def well_ordered(agent: Agent, thread: str) -> None:
    """Check that places are without gaps, and each message knows the one before it."""
    values = await stored(agent, thread)
    assert [value["position"] for value in values] == list(range(len(values)))
    owner = await user_key(agent.store, "ada")
    record = await agent.store.aget(threads_of(owner), thread_id(owner, thread))
    assert record
    for before, value in pairwise(values):
        # An imported conversation and what follows it are two.
        if value["position"] != record.value.get("begins_at"):
            assert value["before"] == before["text"]
    state = await agent.graph.aget_state(await agent.config(ADA, thread))
    if state.values:
        assert record.value["last_message"] == state.values["stored_through"]
        assert state.values["stored"] == len(values)


async def test_a_message_goes_with_its_answer_and_what_it_taught(agent: Agent) -> None:
    await say(agent, "ada", "trip", SISTER, LIVES, "Where do I live?")
    await say(agent, "ada", "other", "Where do I live?")
    await say(agent, "bob", "trip", LIVES)
    before = await told(agent, "bob")
    receipt = await agent.forget(
        ADA, Target(kind="message", name=await id_of(agent, LIVES)), verify=True
    )
    assert receipt.clean, receipt.found
    assert "Bergen" not in await told(agent)
    assert "parrots" in await told(agent)
    assert await told(agent, "bob") == before
    await well_ordered(agent, "trip")
    for thread in ("trip", "third"):
        assert "Bergen" not in await say(agent, "ada", thread, "Where do I live?")
    assert "parrots" in await say(agent, "ada", "trip", "What does Miriam keep?")
    await well_ordered(agent, "trip")
    config = await agent.config(ADA, "trip")
    async for snapshot in agent.graph.aget_state_history(config):
        assert "Bergen" not in str(snapshot)


async def test_the_beginning_of_an_id_is_enough_when_it_is_of_one_alone(small: Agent) -> None:
    await say(small, "ada", "trip", SISTER, LIVES)
    wanted = await id_of(small, LIVES)
    with pytest.raises(BadInput, match="There is no message ''"):
        await small.forget(ADA, Target(kind="message"))
    other = await id_of(small, SISTER)
    shared = next(n for n in range(36) if wanted[n] != other[n])
    await small.forget(ADA, Target(kind="memory", name=wanted[: shared + 9]))
    assert "Bergen" not in await told(small)


async def test_copies_in_forks_and_on_left_branches_go_too(small: Agent) -> None:
    await say(small, "ada", "trip", SISTER, SECRET)
    await small.fork_thread(ADA, "trip", "fork")
    await say(small, "ada", "fork", "And what else?")
    await say(small, "ada", "trip", "What opens the vault?")
    await small.undo(ADA, "trip")
    receipt = await small.forget(
        ADA, Target(kind="message", name=await id_of(small, SECRET)), verify=True
    )
    assert receipt.clean, receipt.found
    assert grep(small.settings.home, "tulip-4711") == []
    assert "tulip" not in await told(small)
    for thread in ("fork", "trip"):
        await say(small, "ada", thread, "Who is Miriam?")
        await well_ordered(small, thread)


async def test_a_forgotten_thread_leaves_its_fork_whole(agent: Agent) -> None:
    await say(agent, "ada", "trip", SISTER)
    await agent.fork_thread(ADA, "trip", "fork")
    await say(agent, "ada", "fork", LIVES)
    await say(agent, "ada", "trip", SECRET)
    await agent.store.index_pending()
    receipt = await agent.forget(ADA, Target(kind="thread", name="trip"), verify=True)
    assert receipt.clean, receipt.found
    assert grep(agent.settings.home, "tulip-4711") == []
    everything = await told(agent)
    assert "tulip" not in everything
    assert thread_id(await user_key(agent.store, "ada"), "trip") not in [
        item.key
        for item in await agent.store.asearch(threads_of(await user_key(agent.store, "ada")))
    ]
    assert "parrots" in await say(agent, "ada", "fork", "What does Miriam keep?")
    assert "Bergen" in await say(agent, "ada", "new", "Where do I live?")
    with pytest.raises(BadInput, match="has no thread 'trip'"):
        await agent.forget(ADA, Target(kind="thread", name="trip"))


async def test_what_was_learned_from_a_thread_alone_goes_and_the_rest_stays(small: Agent) -> None:
    await say(small, "ada", "trip", SISTER, LIVES)
    await say(small, "ada", "other", LIVES)
    await small.delete_thread(ADA, "trip")
    assert "Bergen" in await say(small, "ada", "new", "Where do I live?")
    assert "Miriam" not in await told(small)


async def test_a_fact_goes_with_the_messages_that_taught_it(agent: Agent) -> None:
    await say(agent, "ada", "trip", SISTER, LIVES)
    await say(agent, "ada", "other", LIVES, "Where do I live?")
    key = await fact_of(agent, "user lives in Bergen")
    plan = await agent.plan_erasure(ADA, Target(kind="fact", name=key[:9]))
    assert sum("taught it" in line for line in plan.lines()) == 2
    assert sum("answers it" in line for line in plan.lines()) == 2
    receipt = await agent.forget(ADA, Target(kind="fact", name=key[:9]), verify=True)
    assert receipt.clean, receipt.found
    assert "Bergen" not in await told(agent)
    assert "Bergen" not in await say(agent, "ada", "trip", "Where do I live?")
    await rebuild_knowledge(agent.store, await user_key(agent.store, "ada"))
    assert "Bergen" not in await told(agent)
    await say(agent, "ada", "trip", LIVES)
    assert "user lives in Bergen" in await told(agent), "what is said anew is learned anew"


async def test_a_fact_can_go_alone_and_is_not_learned_again(small: Agent) -> None:
    await say(small, "ada", "trip", "I live in Bergen and my dog is called Rufus.")
    key = await fact_of(small, "user lives in Bergen")
    await small.forget(ADA, Target(kind="fact", name=key, keep_messages=True))
    owner = await user_key(small.store, "ada")

    async def facts() -> list[str]:
        found = await small.store.asearch(facts_of(owner), limit=100)
        return [item.value["text"] for item in found]

    assert "user lives in Bergen" not in await facts()
    assert any("Rufus" in text for text in await facts())
    await rebuild_knowledge(small.store, owner)
    await say(small, "ada", "trip", LIVES)
    assert "user lives in Bergen" not in await facts()
    assert LIVES in await told(small)


async def test_a_thread_whose_only_message_goes_is_gone(small: Agent) -> None:
    await say(small, "ada", "only", SECRET)
    await say(small, "ada", "trip", SISTER)
    await small.forget(ADA, Target(kind="message", name=await id_of(small, SECRET)))
    owner = await user_key(small.store, "ada")
    records = await small.store.asearch(threads_of(owner))
    assert [record.value["name"] for record in records] == ["trip"]


async def test_messages_of_an_import_close_up_and_the_thread_goes_on(small: Agent) -> None:
    await import_talk(small.settings, "ada", 20)
    await say(small, "ada", "diary-0", "And what else?")
    for number in (0, 7, 18):
        wanted = await id_of(small, words("ada", number))
        await small.forget(ADA, Target(kind="message", name=wanted))
        await well_ordered(small, "diary-0")
    await say(small, "ada", "diary-0", "Still there?")
    await well_ordered(small, "diary-0")
    texts = [value["text"] for value in await stored(small, "diary-0")]
    assert words("ada", 0) not in texts
    assert words("ada", 1) not in texts, "the answer to it"
    assert words("ada", 7) not in texts
    assert words("ada", 6) in texts


async def test_a_summary_that_rests_on_it_is_made_again_of_the_others(small: Agent) -> None:
    context = Context(user_id="ada", max_tokens=1_000, reserve_tokens=300, recall_tokens=0)
    said = [f"Room {n} holds {n * 37} blue crates of type K-{n}." for n in range(24)]
    said[1] = TELLING
    config = await small.config(ADA, "trip")
    old: dict[str, Any] = {}
    while "tulip" not in old.get("summary", ""):
        turn = await small.say(context, "trip", said.pop(0))
        await turn.finished()
        old = (await small.graph.aget_state(config)).values
    receipt = await small.forget(
        ADA, Target(kind="message", name=await id_of(small, TELLING)), verify=True
    )
    assert receipt.clean, receipt.found
    new = (await small.graph.aget_state(config)).values
    assert "tulip" not in str(new)
    assert new["summary"] == ""
    assert "blue crates" in new["extract"]
    owner = await user_key(small.store, "ada")
    spoken = await small.store.asearch(messages_of(owner, thread_id(owner, "trip")), limit=1_000)
    order = [item.key for item in sorted(spoken, key=lambda item: int(item.value["position"]))]
    shown = {str(message.id) for message in new["messages"]}
    assert {*order[order.index(new["extracted_through"]) + 1 :]} <= shown, "shown or covered"
    assert "tulip" not in str((await plan_of(small, context, "trip")).prompt)
    turn = await small.say(context, "trip", "What does room 5 hold?")
    await turn.finished()
    await well_ordered(small, "trip")


async def test_what_comes_late_from_before_is_refused_and_what_is_new_is_not(
    agent: Agent,
) -> None:
    await say(agent, "ada", "trip", SISTER, LIVES)
    owner = await user_key(agent.store, "ada")
    thread, wanted = thread_id(owner, "trip"), await id_of(agent, LIVES)
    state = await agent.graph.aget_state(await agent.config(ADA, "trip"))
    stands_on = str(state.config["configurable"]["checkpoint_id"])
    late = PutOp(messages_of(owner, thread), wanted, {"text": LIVES, "position": 9})
    note = PutOp(notes_of(owner, thread), wanted, {"said_at": "", "facts": []})
    other = PutOp(messages_of(owner, thread), "another", {"text": "x", "position": 9})
    await agent.forget(ADA, Target(kind="message", name=wanted))
    for op in (late, note):
        with pytest.raises(Erased):
            await _write_standing_on(agent, stands_on, [other, op])
    await _write_standing_on(agent, stands_on, [other])
    await agent.forget(ADA, Target(kind="thread", name="trip"))
    record = PutOp(threads_of(owner), thread, {"name": "trip"}, index=False)
    for op in (other, record):
        with pytest.raises(Erased):
            await _write_standing_on(agent, stands_on, [op])
    await say(agent, "ada", "fourth", LIVES)
    fact = PutOp(facts_of(owner), "f", {"text": "user lives in Bergen"})
    await _write_standing_on(agent, stands_on, [fact])
    await agent.forget(ADA, Target(kind="user"))
    with pytest.raises(Erased):
        await _write_standing_on(agent, stands_on, [fact])
    assert await list_namespaces(agent.store, owner) == []
    await say(agent, "ada", "trip", "A new beginning.")
    assert "new beginning" in await told(agent)


async def _write_standing_on(agent: Agent, checkpoint: str, ops: list[PutOp]) -> None:
    """Write as a node of a run does whose newest checkpoint is this one."""
    from langchain_core.runnables.config import var_child_runnable_config

    config: Any = {"configurable": {"checkpoint_map": {"": checkpoint}}}
    token = var_child_runnable_config.set(config)
    try:
        await agent.store.abatch(ops)
    finally:
        var_child_runnable_config.reset(token)


async def test_a_branch_that_was_left_comes_back_without_what_was_forgotten(small: Agent) -> None:
    await say(small, "ada", "trip", SISTER, SECRET)
    await small.undo(ADA, "trip")
    owner = await user_key(small.store, "ada")
    thread = thread_id(owner, "trip")
    plan = await small.plan_erasure(ADA, Target(kind="message", name=(await _left(small))[0]))
    assert "tulip" in " ".join(plan.lines())
    await small.forget(ADA, Target(kind="message", name=(await _left(small))[0]))
    state = await small.graph.aget_state(await small.config(ADA, "trip"))
    await follow_branch(small.store, owner, thread, head_of(state.values))
    assert "tulip" not in await told(small)
    assert "parrots" in await told(small)


async def _left(agent: Agent) -> list[str]:
    owner = await user_key(agent.store, "ada")
    found = await agent.store.asearch((owner, "abandoned"), limit=100)
    return [i.value["id"] for i in found if i.value["message"]["text"] == SECRET]


async def test_a_history_under_the_users_key_goes_with_what_it_is_about(small: Agent) -> None:
    await say(small, "ada", "trip", SISTER, LIVES)
    owner = await user_key(small.store, "ada")
    lives = await fact_of(small, "user lives in Bergen")
    space = (owner, "history")
    await small.store.aput(space, "1", {"of": lives, "old": "user lives in Bergn"})
    await small.store.aput(space, "2", {"of": await fact_of(small, "Miriam keeps two parrots")})
    await small.forget(ADA, Target(kind="fact", name=lives))
    assert [item.key for item in await small.store.asearch(space)] == ["2"]


async def test_what_speaks_for_other_memories_stays_with_them(small: Agent) -> None:
    said = (
        "Miriam's parrots eat sunflower seeds.",
        "Miriam's parrots were bought in Porto.",
        "Miriam paints birds on Sundays.",
    )
    vector = Context(user_id="ada", memory="vector")
    for text in said:
        await (await small.say(vector, "told", text)).finished()
    await (await small.say(vector, "asked", "What do Miriam's parrots eat?")).finished()
    before = {m["id"]: m for m in (await why(small, vector, "asked"))["memories"]}
    gone = await id_of(small, said[1])
    assert gone in list(before)[:-1], "something comes after it"
    assert len({str(m["parts"]) for m in before.values()}) == len(before)
    await small.forget(vector, Target(kind="message", name=gone))
    after = {m["id"]: m for m in (await why(small, vector, "asked"))["memories"]}
    assert after
    assert gone not in after
    for each, memory in after.items():
        assert (memory["score"], memory["parts"]) == (before[each]["score"], before[each]["parts"])
