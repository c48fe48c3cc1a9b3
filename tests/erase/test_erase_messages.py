"""Erasing a message erases its copies and what rests on it, and nothing else."""

from typing import Any

import pytest

from tests.backends import say_options
from tests.erase.helpers import (
    assert_well_ordered,
    diary_text,
    exported,
    grep,
    id_of,
    import_diary,
    say,
    stored_messages,
)
from threadkeep.base.errors import BadInput
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.branch_sync import follow_branch
from threadkeep.memory import Memory
from threadkeep.stores.namespaces import (
    messages_of,
    thread_id,
    user_key,
)

SISTER = "My sister Miriam keeps two parrots."
LIVES = "I live in Bergen."
SECRET = "The vault opens with tulip-4711."
DETAILED = "My sister Henrietta Moreau moved to Reykjavik on 4 March 2024 with 17 tulip bulbs."


async def test_a_message_is_erased_with_its_answer_and_its_facts(memory: Memory) -> None:
    await say(memory, "ada", "trip", SISTER, LIVES, "Where do I live?")
    await say(memory, "ada", "other", "Where do I live?")
    await say(memory, "bob", "trip", LIVES)
    before = await exported(memory, "bob")
    receipt = await memory.forget(
        Target(kind="message", name=await id_of(memory, LIVES)), verify=True, user_id="ada"
    )
    assert receipt.clean, receipt.found
    assert "Bergen" not in await exported(memory)
    assert "parrots" in await exported(memory)
    assert await exported(memory, "bob") == before
    await assert_well_ordered(memory, "trip")
    for thread in ("trip", "third"):
        assert "Bergen" not in await say(memory, "ada", thread, "Where do I live?")
    assert "parrots" in await say(memory, "ada", "trip", "What does Miriam keep?")
    await assert_well_ordered(memory, "trip")
    config = (await memory.thread("trip", user_id="ada")).config()
    async for snapshot in memory.graph.aget_state_history(config):
        assert "Bergen" not in str(snapshot)


async def test_a_unique_beginning_of_an_id_is_enough(sqlite_memory: Memory) -> None:
    await say(sqlite_memory, "ada", "trip", SISTER, LIVES)
    message = await id_of(sqlite_memory, LIVES)
    with pytest.raises(BadInput, match="There is no message ''"):
        await sqlite_memory.forget(Target(kind="message"), user_id="ada")
    other = await id_of(sqlite_memory, SISTER)
    shared = next(n for n in range(36) if message[n] != other[n])
    await sqlite_memory.forget(Target(kind="memory", name=message[: shared + 9]), user_id="ada")
    assert "Bergen" not in await exported(sqlite_memory)


async def test_copies_in_forks_and_on_abandoned_branches_are_erased_too(
    sqlite_memory: Memory,
) -> None:
    await say(sqlite_memory, "ada", "trip", SISTER, SECRET)
    await sqlite_memory.fork("trip", "fork", user_id="ada")
    await say(sqlite_memory, "ada", "fork", "And what else?")
    await say(sqlite_memory, "ada", "trip", "What opens the vault?")
    await sqlite_memory.undo("trip", user_id="ada")
    receipt = await sqlite_memory.forget(
        Target(kind="message", name=await id_of(sqlite_memory, SECRET)),
        verify=True,
        user_id="ada",
    )
    assert receipt.clean, receipt.found
    assert grep(sqlite_memory.settings.home, "tulip-4711") == []
    assert "tulip" not in await exported(sqlite_memory)
    for thread in ("fork", "trip"):
        await say(sqlite_memory, "ada", thread, "Who is Miriam?")
        await assert_well_ordered(sqlite_memory, thread)


async def test_an_imported_thread_continues_after_an_erasure(sqlite_memory: Memory) -> None:
    await import_diary(sqlite_memory.settings, "ada", 20)
    await say(sqlite_memory, "ada", "diary-0", "And what else?")
    for number in (0, 7, 18):
        message = await id_of(sqlite_memory, diary_text("ada", number))
        await sqlite_memory.forget(Target(kind="message", name=message), user_id="ada")
        await assert_well_ordered(sqlite_memory, "diary-0")
    await say(sqlite_memory, "ada", "diary-0", "Still there?")
    await assert_well_ordered(sqlite_memory, "diary-0")
    texts = [value["text"] for value in await stored_messages(sqlite_memory, "diary-0")]
    assert diary_text("ada", 0) not in texts
    assert diary_text("ada", 1) not in texts, "the answer to it"
    assert diary_text("ada", 7) not in texts
    assert diary_text("ada", 6) in texts


async def test_a_summary_of_an_erased_message_is_rebuilt_from_the_others(
    sqlite_memory: Memory,
) -> None:
    context = Context(user_id="ada", max_tokens=1_000, reserve_tokens=300, recall_tokens=0)
    texts = [f"Room {n} holds {n * 37} blue crates of type K-{n}." for n in range(24)]
    texts[1] = DETAILED
    config = (await sqlite_memory.thread("trip", user_id="ada")).config()
    old: dict[str, Any] = {}
    while "tulip" not in old.get("summary", ""):
        turn = await sqlite_memory.say(texts.pop(0), thread="trip", **say_options(context))
        await turn.finished()
        old = (await sqlite_memory.graph.aget_state(config)).values
    receipt = await sqlite_memory.forget(
        Target(kind="message", name=await id_of(sqlite_memory, DETAILED)),
        verify=True,
        user_id="ada",
    )
    assert receipt.clean, receipt.found
    new = (await sqlite_memory.graph.aget_state(config)).values
    assert "tulip" not in str(new)
    assert new["summary"] == ""
    assert "blue crates" in new["extract"]
    owner = await user_key(sqlite_memory.opened.store, "ada")
    items = await sqlite_memory.opened.store.asearch(
        messages_of(owner, thread_id(owner, "trip")), limit=1_000
    )
    order = [item.key for item in sorted(items, key=lambda item: int(item.value["position"]))]
    visible = {str(message.id) for message in new["messages"]}
    assert {*order[order.index(new["extracted_through"]) + 1 :]} <= visible, "shown or covered"
    assert "tulip" not in str((await sqlite_memory.prompt("trip", **say_options(context))).prompt)
    turn = await sqlite_memory.say("What does room 5 hold?", thread="trip", **say_options(context))
    await turn.finished()
    await assert_well_ordered(sqlite_memory, "trip")


async def test_a_restored_branch_is_without_erased_messages(sqlite_memory: Memory) -> None:
    await say(sqlite_memory, "ada", "trip", SISTER, SECRET)
    await sqlite_memory.undo("trip", user_id="ada")
    owner = await user_key(sqlite_memory.opened.store, "ada")
    thread = thread_id(owner, "trip")
    plan = await sqlite_memory.plan_erasure(
        Target(kind="message", name=(await _abandoned_ids(sqlite_memory))[0]), user_id="ada"
    )
    assert "tulip" in " ".join(plan.lines())
    await sqlite_memory.forget(
        Target(kind="message", name=(await _abandoned_ids(sqlite_memory))[0]), user_id="ada"
    )
    state = await sqlite_memory.graph.aget_state(
        (await sqlite_memory.thread("trip", user_id="ada")).config()
    )
    await follow_branch(sqlite_memory.opened.store, owner, thread, head_of(state.values))
    assert "tulip" not in await exported(sqlite_memory)
    assert "parrots" in await exported(sqlite_memory)


async def _abandoned_ids(memory: Memory) -> list[str]:
    owner = await user_key(memory.opened.store, "ada")
    items = await memory.opened.store.asearch((owner, "abandoned"), limit=100)
    return [item.value["id"] for item in items if item.value["message"]["text"] == SECRET]


async def test_scores_of_other_recalled_items_stay(sqlite_memory: Memory) -> None:
    texts = (
        "Miriam's parrots eat sunflower seeds.",
        "Miriam's parrots were bought in Porto.",
        "Miriam paints birds on Sundays.",
    )
    vector = Context(user_id="ada", memory="vector")
    for text in texts:
        await (await sqlite_memory.say(text, thread="told", **say_options(vector))).finished()
    await (
        await sqlite_memory.say(
            "What do Miriam's parrots eat?", thread="asked", **say_options(vector)
        )
    ).finished()
    before = {
        m["id"]: m for m in (await sqlite_memory.why("asked", user_id=vector.user_id))["memories"]
    }
    erased = await id_of(sqlite_memory, texts[1])
    assert erased in list(before)[:-1], "something comes after it"
    assert len({str(m["parts"]) for m in before.values()}) == len(before)
    await sqlite_memory.forget(Target(kind="message", name=erased), user_id=vector.user_id)
    after = {
        m["id"]: m for m in (await sqlite_memory.why("asked", user_id=vector.user_id))["memories"]
    }
    assert after
    assert erased not in after
    for key, recalled in after.items():
        assert (recalled["score"], recalled["parts"]) == (
            before[key]["score"],
            before[key]["parts"],
        )
