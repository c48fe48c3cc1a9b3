"""A correction takes effect in the next prompt, on every branch."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import HumanMessage

from tests.backends import fresh_database, say_options
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.graph.context import Context
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import all_messages_of, facts_of, user_key

ADA = Context(user_id="ada")
QUESTION = "Where do I live?"


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_memory(settings) as opened:
            yield opened


async def say(memory: Memory, /, text: str, thread: str = "trip", **context: Any) -> str:
    turn = await memory.say(text, thread=thread, context={**context}, user_id="ada")
    await turn.finished()
    return turn.reply


async def prompt_text(memory: Memory, /, thread: str = "trip", **context: Any) -> str:
    """Return the prompt of the thread's next turn."""
    plan = await memory.prompt(thread, **say_options(Context(user_id="ada", **context)))
    return "\n".join(str(message.text) for message in plan.prompt)


async def id_of(memory: Memory, text: str) -> str:
    """Return the id of the message or the current fact with this text."""
    owner = await user_key(memory.opened.store, "ada")
    for namespace in (all_messages_of(owner), facts_of(owner)):
        for item in await memory.opened.store.asearch(namespace, limit=1_000):
            if item.value["text"] == text and not item.value.get("superseded_by"):
                return item.key
    raise AssertionError(text)


async def fact_texts(memory: Memory) -> list[str]:
    owner = await user_key(memory.opened.store, "ada")
    items = await memory.opened.store.asearch(facts_of(owner), limit=1_000)
    return sorted(item.value["text"] for item in items if not item.value["superseded_by"])


async def test_a_corrected_message_is_recalled_and_shown_with_its_new_text(
    memory: Memory,
) -> None:
    await say(memory, "I live in Bergen.")
    assert "Bergen" in await say(memory, QUESTION, "another")
    message_id = await id_of(memory, "I live in Bergen.")
    result = await memory.correct(message_id[:8], "I live in Oslo.", user_id="ada")
    assert result == {
        "kind": "message",
        "id": message_id,
        "was": "I live in Bergen.",
        "text": "I live in Oslo.",
    }
    assert await fact_texts(memory) == ["user lives in Oslo"]
    for thread in ("trip", "another"):
        # The first thread has the message in its window; the second recalls it.
        assert "I live in Oslo." in await prompt_text(memory, thread)
        # A quotation in an answer of the assistant is not changed.
        quotation = 'in "trip": "I live in Bergen."'
        assert "I live in Bergen." not in (await prompt_text(memory, thread)).replace(quotation, "")
    assert "Oslo" in await say(memory, QUESTION, "third")
    wordings = await memory.history(message_id, user_id="ada")
    assert [(wording["why"], wording["text"]) for wording in wordings] == [
        ("corrected", "I live in Bergen."),
        ("now", "I live in Oslo."),
    ]


async def test_a_correction_holds_on_every_branch(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I keep two parrots.")
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "Hello.")
    await memory.correct(await id_of(memory, "I live in Bergen."), "I live in Oslo.", user_id="ada")
    assert await memory.undo("trip", 2, user_id="ada") == ["I keep two parrots.", "Hello."]
    assert "user lives in Oslo" in await fact_texts(memory)
    assert "Oslo" in await say(memory, QUESTION)
    assert "Oslo" in await say(memory, QUESTION, "fork")
    assert "Oslo" in await say(memory, QUESTION, "another")
    for thread in ("trip", "fork"):
        state = await memory.graph.aget_state((await memory.thread(thread, user_id="ada")).config())
        assert state.values["messages"][0].text == "I live in Oslo."
        assert state.values["corrected_at"]
    owner = await user_key(memory.opened.store, "ada")
    assert not await rebuild_knowledge(memory.opened.store, owner)
    items = await memory.opened.store.asearch(all_messages_of(owner), limit=1_000)
    assert not [item for item in items if item.value["text"] == "I live in Bergen."]


async def test_a_fork_from_before_a_correction_has_the_correction(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    config: Any = (
        await memory.graph.aget_state((await memory.thread("trip", user_id="ada")).config())
    ).config
    await say(memory, "I moved to Rome.")
    await memory.correct(await id_of(memory, "I live in Bergen."), "I live in Oslo.", user_id="ada")
    input_: Any = {"messages": [HumanMessage(QUESTION)]}
    output = await memory.graph.ainvoke(input_, config, context=ADA, durability="sync")
    assert "Oslo" in str(output["messages"][-1].content)
    assert output["messages"][0].text == "I live in Oslo."
    assert await fact_texts(memory) == ["user lives in Oslo"]


async def test_an_edit_after_a_correction_starts_a_new_branch(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    config = (await memory.thread("trip", user_id="ada")).config()
    config_before: Any = (await memory.graph.aget_state(config)).config
    message_id = await id_of(memory, "I live in Bergen.")
    await memory.correct(message_id, "I live in Oslo.", user_id="ada")
    await say(memory, "Hello.")
    update = {"messages": [HumanMessage("I live in Rome.", id=message_id)]}
    await memory.graph.aupdate_state(config, update, as_node="store_turn")
    assert await fact_texts(memory) == ["user lives in Rome"]
    await memory.graph.aupdate_state(config_before, None, "__copy__")
    assert await fact_texts(memory) == ["user lives in Oslo"]
    assert "Oslo" in await say(memory, QUESTION)


async def test_an_abandoned_message_is_restored_with_its_correction(memory: Memory) -> None:
    await say(memory, "Hello.")
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "I live in Bergen.", "fork")
    await memory.correct(await id_of(memory, "I live in Bergen."), "I live in Oslo.", user_id="ada")
    await say(memory, "Good morning.")
    assert "Oslo" not in await say(memory, QUESTION, "another")
    assert "Oslo" in await say(memory, QUESTION, "fork")
    assert "Oslo" in await say(memory, QUESTION, "third")


async def test_a_correction_reaches_the_summary(memory: Memory) -> None:
    small: dict[str, Any] = {"max_tokens": 700, "reserve_tokens": 100, "memory": "progressive"}
    await say(memory, "The gate code is 4711.", **small)
    for number in range(12):
        await say(memory, f"Line {number}: " + "we talked about the weather. " * 6, **small)
    assert "4711" in await prompt_text(memory, **small)
    await memory.correct(
        await id_of(memory, "The gate code is 4711."), "The code is 9000.", user_id="ada"
    )
    for _ in range(2):
        text = await prompt_text(memory, **small)
        assert "9000" in text
        assert "4711" not in text
        await say(memory, "Go on.", **small)


async def test_a_fact_is_corrected_by_an_object_or_a_sentence_and_the_old_one_is_superseded(
    memory: Memory,
) -> None:
    await say(memory, "My sister Miriam moved to Lisbon in March 2026.")
    first_id = await id_of(memory, "Miriam lives in Lisbon (since 2026-03)")
    result = await memory.correct(first_id, "Porto", user_id="ada")
    assert result["text"] == "Miriam lives in Porto (since 2026-03)"
    # Both facts come from the same message.
    assert "Miriam moved to Porto (2026-03)" in await fact_texts(memory)
    assert not [text for text in await fact_texts(memory) if "Lisbon" in text]
    second = await memory.correct(
        result["id"][:8], "Miriam lives in Faro (since 2025).", user_id="ada"
    )
    assert second["text"] == "Miriam lives in Faro (since 2025)"
    wordings = await memory.history(second["id"], user_id="ada")
    assert [(wording["why"], wording["text"]) for wording in wordings] == [
        ("corrected", "Miriam lives in Lisbon (since 2026-03)"),
        ("corrected", "Miriam lives in Porto (since 2026-03)"),
        ("now", "Miriam lives in Faro (since 2025)"),
    ]
    owner = await user_key(memory.opened.store, "ada")
    assert not await rebuild_knowledge(memory.opened.store, owner), (
        "the facts match the notes and corrections"
    )
    await say(memory, "Something else.")
    await memory.undo("trip", user_id="ada")
    assert "Miriam lives in Faro (since 2025)" in await fact_texts(memory)
    assert "Faro" in await say(memory, "Where does Miriam live?", "another")


async def test_a_fact_stated_again_after_its_correction_holds_again(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    await memory.correct(await id_of(memory, "user lives in Bergen"), "Oslo", user_id="ada")
    assert await fact_texts(memory) == ["user lives in Oslo"]
    await say(memory, "I live in Bergen.", "later")
    assert await fact_texts(memory) == ["user lives in Bergen"]
    owner = await user_key(memory.opened.store, "ada")
    assert not await rebuild_knowledge(memory.opened.store, owner)


async def test_a_correction_is_abandoned_with_the_branch_of_its_fact(memory: Memory) -> None:
    await say(memory, "Hello.")
    await say(memory, "I live in Bergen.")
    newest_config: Any = (
        await memory.graph.aget_state((await memory.thread("trip", user_id="ada")).config())
    ).config
    await memory.correct(await id_of(memory, "user lives in Bergen"), "Oslo", user_id="ada")
    await memory.undo("trip", user_id="ada")
    assert await fact_texts(memory) == []
    await memory.graph.aupdate_state(newest_config, None, "__copy__")
    assert await fact_texts(memory) == ["user lives in Oslo"]


async def test_an_invalid_correction_is_refused_with_the_reason(memory: Memory) -> None:
    await say(memory, "I live in Bergen.")
    message_id, fact_id = (
        await id_of(memory, "I live in Bergen."),
        await id_of(memory, "user lives in Bergen"),
    )
    owner = await user_key(memory.opened.store, "ada")
    (entity_id,) = [
        item.key
        for item in await memory.opened.store.asearch((owner, "entities"), limit=10)
        if item.value["name"] == "user"
    ]
    for id_, text, error in (
        ("nothing-like-it", "x", "You have no memory 'nothing-like-it'"),
        ("", "x", "You have no memory ''"),
        (message_id, " ", "The message is empty"),
        (message_id, "I live in Bergen.", "says that already"),
        (message_id, "x" * 40_000, "the limit is 32,000"),
        (fact_id, "", "1 to 900 characters"),
        (fact_id, "Bergen", "says that already"),
        (entity_id, "x", "made of facts; correct one of them: "),
    ):
        with pytest.raises(BadInput, match=error):
            await memory.correct(id_, text, user_id="ada")
    with pytest.raises(BadInput, match="You have no memory"):
        await memory.correct(message_id, "Mine now.", user_id="bob")
    result = await memory.correct(fact_id, "Oslo", user_id="ada")
    with pytest.raises(BadInput, match=f"was replaced by .*{result['id']}"):
        await memory.correct(fact_id, "Rome", user_id="ada")
