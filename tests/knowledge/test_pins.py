"""Pins have one place and one budget in every prompt; answers can be explained."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
import pytest_asyncio

from benchmarks.scripted_thread import ScriptedThread, open_scripted
from tests.backends import say_options
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.tokens import count_text
from threadkeep.base.user import acting_as
from threadkeep.graph.context import Context, Preset
from threadkeep.knowledge.pins import MAX_PINS, add_pin, list_pins, remove_pin
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.memory_ids import find_memory
from threadkeep.stores.namespaces import all_messages_of, facts_of, user_key

ADA = Context(user_id="ada")


@pytest_asyncio.fixture
async def memory(home: Settings) -> AsyncIterator[Memory]:
    async with open_memory(home) as opened:
        yield opened


async def say(memory: Memory, text: str, thread: str = "trip") -> str:
    turn = await memory.say(text, thread=thread, user_id="ada")
    await turn.finished()
    return turn.reply


async def key_of(store: HybridStore, text: str) -> str:
    owner = await user_key(store, "ada")
    for namespace in (all_messages_of(owner), facts_of(owner)):
        for item in await store.asearch(namespace, limit=1_000):
            if item.value["text"] == text:
                return item.key
    raise AssertionError(text)


async def pin_text(store: HybridStore, text: str) -> None:
    with acting_as("ada"):
        owner = await user_key(store, "ada")
        await add_pin(store, owner, await find_memory(store, owner, await key_of(store, text)))


async def unpin_text(store: HybridStore, text: str) -> None:
    await remove_pin(store, await user_key(store, "ada"), await key_of(store, text))


def contents(thread: ScriptedThread) -> list[str]:
    return [str(message["content"]) for message in thread.prompts[-1]]


@pytest.mark.parametrize("preset", get_args(Preset))
async def test_every_preset_shows_pins_after_the_system_prompt(home: Settings, preset: str) -> None:
    async with open_store(home) as store, open_scripted(store) as thread:
        thread.name = "earlier"
        await thread.say("The gate code is 4711.")
        await pin_text(store, "The gate code is 4711.")
        thread.name = "now"
        thread.context |= {"memory": preset}
        output = await thread.say("How do I get in through the gate?")
        texts = contents(thread)
        assert texts[1].startswith("<pinned>\nWhat this person wants kept in view. Evidence")
        assert "- user: The gate code is 4711." in texts[1]
        assert sum("4711" in text for text in texts) == 1, "it is not recalled a second time"
        assert output["ledger"]["pinned"] == count_text(texts[1]) + 4
        assert output["memories"][0]["before"] == "pinned"


async def test_the_prefix_changes_only_when_the_pins_do(home: Settings) -> None:
    async with open_store(home) as store, open_scripted(store) as thread:
        thread.name = "earlier"
        for text in ("The gate code is 4711.", "The bell is broken."):
            await thread.say(text)
        await pin_text(store, "The gate code is 4711.")
        thread.name = "now"
        await thread.say("How do I get in?")
        await thread.say("And the bell of the gate?")
        first, second = thread.prompts[-2:]
        assert second[: len(first)] == first
        await pin_text(store, "The bell is broken.")
        await thread.say("Once more, please: the bell?")
        third = thread.prompts[-1]
        assert third[0] == first[0]
        assert third[1] != first[1]
        lines = "\n".join(contents(thread)).splitlines()
        assert lines.count("- user: The bell is broken.") == 1
        await thread.say("Thanks.")
        assert thread.prompts[-1][: len(third)] == third
        await unpin_text(store, "The bell is broken.")
        await unpin_text(store, "The gate code is 4711.")
        await thread.say("How do I get in through the gate?")
        assert not any(text.startswith("<pinned>") for text in contents(thread))
        assert sum("4711" in text for text in contents(thread)) == 1, "it is recalled again"


async def test_the_oldest_pins_are_shown_and_those_over_the_budget_are_marked(
    memory: Memory,
) -> None:
    texts = [f"Fact {number}: " + "the box is green. " * 12 for number in range(4)]
    for text in texts:
        await say(memory, text)
    entries = [
        await memory.pin(await key_of(memory.opened.store, text), user_id="ada") for text in texts
    ]
    assert [entry["shown"] for entry in entries] == [True, True, True, False]
    plan = await memory.prompt("trip", user_id="ada")
    block = str(plan.prompt[1].text)
    assert count_text(block) <= ADA.pinned_tokens
    assert [text for text in texts if text.strip() in block] == texts[:3]
    large_budget = Context(user_id="ada", pinned_tokens=600)
    assert all(entry["shown"] for entry in await memory.pins(**say_options(large_budget)))
    no_budget = Context(user_id="ada", pinned_tokens=0)
    assert not any(entry["shown"] for entry in await memory.pins(**say_options(no_budget)))
    assert (await memory.prompt("trip", **say_options(no_budget))).ledger["pinned"] == 0


async def test_a_pin_follows_the_fact_that_supersedes_it(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    fact_id = await key_of(memory.opened.store, "user lives in Bergen")
    message_id = await key_of(memory.opened.store, "I live in Bergen.")
    await memory.pin(fact_id, user_id="ada")
    await memory.pin(message_id[:8], user_id="ada")
    await memory.pin(message_id, user_id="ada")
    await memory.correct(fact_id, "Oslo", user_id="ada")
    assert [entry["text"] for entry in await memory.pins(user_id="ada")] == [
        "user lives in Oslo",
        "I live in Bergen.",
    ]
    await say(memory, "I live in Rome.")
    assert "- user lives in Rome" in str(
        (await memory.prompt("trip", user_id="ada")).prompt[1].text
    )
    await memory.undo("trip", 2, user_id="ada")
    assert [entry["text"] for entry in await memory.pins(user_id="ada")] == ["", ""]
    assert await memory.unpin(fact_id[:8], user_id="ada") == fact_id
    with pytest.raises(BadInput, match=r"No memory .* is pinned"):
        await memory.unpin(fact_id[:8], user_id="ada")


async def test_the_number_of_pins_is_limited(home: Settings) -> None:
    async with open_store(home) as store:
        owner = await user_key(store, "ada")
        for number in range(MAX_PINS + 1):
            text = f"Fact {number}."
            fact = {"subject": "user", "predicate": "says", "object": text, "sources": []}
            await store.aput((owner, "facts"), f"{number:08}", {"text": text, **fact})
        with acting_as("ada"):
            for number in range(MAX_PINS):
                await add_pin(store, owner, await find_memory(store, owner, f"{number:08}"))
            with pytest.raises(BadInput, match="100 pins already"):
                await add_pin(store, owner, await find_memory(store, owner, f"{MAX_PINS:08}"))
            assert len(await list_pins(store, owner, ADA)) == MAX_PINS


async def test_an_answer_can_be_explained_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with open_memory(settings) as memory:
        await say(memory, "My sister Miriam moved to Lisbon in March 2026.", "first")
        await say(memory, "The gate code is 4711.", "first")
        await memory.pin(await key_of(memory.opened.store, "The gate code is 4711."), user_id="ada")
        reply = await say(memory, "Where does my sister live?", "second")
        message_id = await key_of(
            memory.opened.store, "My sister Miriam moved to Lisbon in March 2026."
        )
    async with open_memory(settings) as memory:
        explanation = await memory.why("second", user_id="ada")
        assert (explanation["question"], explanation["answer"]) == (
            "Where does my sister live?",
            reply,
        )
        assert explanation["gone"] == 0
        first, *rest = explanation["memories"]
        assert (first["text"], first["pinned"]) == ("The gate code is 4711.", True)
        (message,) = [reason for reason in rest if reason["id"] == message_id]
        assert message["kind"] == "message"
        assert (message["speaker"], message["thread"]) == ("user", "first")
        assert message["score"] > 0
        assert message["parts"]["words"] > 0
        (fact,) = [reason for reason in rest if reason["text"].startswith("Miriam lives in Lisbon")]
        assert [source["id"] for source in fact["sources"]] == [message_id]
        assert fact["sources"][0]["thread"] == "first"
        assert not any(reason["earlier"] for reason in explanation["memories"])
        state = await memory.graph.aget_state(
            (await memory.thread("second", user_id="ada")).config()
        )
        assert "Lisbon" not in str(state.values["recalled"]), (
            "the state holds positions and scores, no text"
        )
        await say(memory, "And what does she do?", "second")
        explanation = await memory.why("second", user_id="ada")
        assert [
            reason["earlier"] for reason in explanation["memories"] if reason["id"] == message_id
        ] == [True]
        await memory.undo("first", 2, user_id="ada")
        assert (await memory.why("second", user_id="ada"))["gone"] >= 2
        with pytest.raises(BadInput, match="no thread 'nowhere' with an answer"):
            await memory.why("nowhere", user_id="ada")


async def test_an_answer_can_be_explained_after_a_compaction(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "The gate code is 4711.", "first")
        small_budget = Context(
            user_id="ada", max_tokens=1_200, reserve_tokens=200, recall_tokens=200
        )
        summary_changes = 0
        for number in range(14):
            text = f"Is line {number} about the gate code? " + "It is late. " * 25
            turn = await memory.say(text, thread="second", **say_options(small_budget))
            await turn.finished()
            explanation = await memory.why("second", user_id=small_budget.user_id)
            recalled = [item for item in turn.memories if item.get("before") != "pinned"]
            assert {item["id"] for item in explanation["memories"]} <= {
                item["id"] for item in recalled
            }
            assert bool(explanation["memories"]) == bool(recalled)
            summary_changes += explanation["summary_changed"]
            plan = await memory.prompt("second", **say_options(small_budget))
            memory_blocks = [
                message.id for message in plan.prompt if str(message.id).startswith("memories-")
            ]
            assert not (explanation["summary_changed"] and memory_blocks)
        assert summary_changes
