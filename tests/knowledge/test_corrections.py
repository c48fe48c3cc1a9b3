"""A person corrects their memory, and it is so from the next prompt on, on every branch."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import HumanMessage

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.cli.show_prompt import plan_of
from threadkeep.graph.context import Context
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.stores.namespaces import all_messages_of, facts_of, user_key
from threadkeep.turn_agent import Agent, open_agent
from threadkeep.turn_memory import correct, history

ADA = Context(user_id="ada")
WHERE = "Where do I live?"


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def agent(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_agent(settings) as opened:
            yield opened


async def say(agent: Agent, text: str, thread: str = "trip", **context: Any) -> str:
    turn = await agent.say(Context(user_id="ada", **context), thread, text)
    await turn.finished()
    return turn.reply


async def shown(agent: Agent, thread: str = "trip", **context: Any) -> str:
    """What a model is shown of the thread as it stands."""
    plan = await plan_of(agent, Context(user_id="ada", **context), thread)
    return "\n".join(str(message.text) for message in plan.prompt)


async def id_of(agent: Agent, text: str) -> str:
    """The id of the message or of the fact that says this."""
    owner = await user_key(agent.store, "ada")
    for namespace in (all_messages_of(owner), facts_of(owner)):
        for item in await agent.store.asearch(namespace, limit=1_000):
            if item.value["text"] == text and not item.value.get("superseded_by"):
                return item.key
    raise AssertionError(text)


async def facts(agent: Agent) -> list[str]:
    owner = await user_key(agent.store, "ada")
    found = await agent.store.asearch(facts_of(owner), limit=1_000)
    return sorted(i.value["text"] for i in found if not i.value["superseded_by"])


async def test_a_corrected_message_is_searched_recalled_and_shown_as_it_reads_now(
    agent: Agent,
) -> None:
    await say(agent, "I live in Bergen.")
    assert "Bergen" in await say(agent, WHERE, "another")
    message = await id_of(agent, "I live in Bergen.")
    done = await correct(agent, "ada", message[:8], "I live in Oslo.")
    assert done == {
        "kind": "message",
        "id": message,
        "was": "I live in Bergen.",
        "text": "I live in Oslo.",
    }
    assert await facts(agent) == ["user lives in Oslo"]
    for thread in ("trip", "another"):
        # In the window of the one, recalled in the other.
        assert "I live in Oslo." in await shown(agent, thread)
        # What the assistant has quoted of it stays as it was said.
        quoted = 'in "trip": "I live in Bergen."'
        assert "I live in Bergen." not in (await shown(agent, thread)).replace(quoted, "")
    assert "Oslo" in await say(agent, WHERE, "third")
    told = await history(agent, "ada", message)
    assert [(each["why"], each["text"]) for each in told] == [
        ("corrected", "I live in Bergen."),
        ("now", "I live in Oslo."),
    ]


async def test_a_correction_holds_on_every_branch(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    await say(agent, "I keep two parrots.")
    await agent.fork_thread(ADA, "trip", "fork")
    await say(agent, "Hello.")
    await correct(agent, "ada", await id_of(agent, "I live in Bergen."), "I live in Oslo.")
    assert await agent.undo(ADA, "trip", 2) == ["I keep two parrots.", "Hello."]
    assert "user lives in Oslo" in await facts(agent)
    assert "Oslo" in await say(agent, WHERE)
    assert "Oslo" in await say(agent, WHERE, "fork")
    assert "Oslo" in await say(agent, WHERE, "another")
    for thread in ("trip", "fork"):
        state = await agent.graph.aget_state(await agent.config(ADA, thread))
        assert state.values["messages"][0].text == "I live in Oslo."
        assert state.values["corrected_at"]
    owner = await user_key(agent.store, "ada")
    assert not await rebuild_knowledge(agent.store, owner)
    found = await agent.store.asearch(all_messages_of(owner), limit=1_000)
    assert not [i for i in found if i.value["text"] == "I live in Bergen."]


async def test_a_fork_from_a_checkpoint_before_the_correction_has_it_too(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    config: Any = (await agent.graph.aget_state(await agent.config(ADA, "trip"))).config
    await say(agent, "I moved to Rome.")
    await correct(agent, "ada", await id_of(agent, "I live in Bergen."), "I live in Oslo.")
    given: Any = {"messages": [HumanMessage(WHERE)]}
    done = await agent.graph.ainvoke(given, config, context=ADA, durability="sync")
    assert "Oslo" in str(done["messages"][-1].content)
    assert done["messages"][0].text == "I live in Oslo."
    assert await facts(agent) == ["user lives in Oslo"]


async def test_an_edit_after_a_correction_is_a_branch_of_its_own(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    config = await agent.config(ADA, "trip")
    before: Any = (await agent.graph.aget_state(config)).config
    message = await id_of(agent, "I live in Bergen.")
    await correct(agent, "ada", message, "I live in Oslo.")
    await say(agent, "Hello.")
    edited = {"messages": [HumanMessage("I live in Rome.", id=message)]}
    await agent.graph.aupdate_state(config, edited, as_node="store_turn")
    assert await facts(agent) == ["user lives in Rome"]
    await agent.graph.aupdate_state(before, None, "__copy__")
    assert await facts(agent) == ["user lives in Oslo"]
    assert "Oslo" in await say(agent, WHERE)


async def test_a_message_on_a_branch_that_was_left_comes_back_corrected(agent: Agent) -> None:
    await say(agent, "Hello.")
    await agent.fork_thread(ADA, "trip", "fork")
    await say(agent, "I live in Bergen.", "fork")
    await correct(agent, "ada", await id_of(agent, "I live in Bergen."), "I live in Oslo.")
    await say(agent, "Good morning.")
    assert "Oslo" not in await say(agent, WHERE, "another")
    assert "Oslo" in await say(agent, WHERE, "fork")
    assert "Oslo" in await say(agent, WHERE, "third")


async def test_a_correction_reaches_what_the_summary_has_folded(agent: Agent) -> None:
    small: dict[str, Any] = {"max_tokens": 700, "reserve_tokens": 100, "memory": "progressive"}
    await say(agent, "The gate code is 4711.", **small)
    for number in range(12):
        await say(agent, f"Line {number}: " + "we talked about the weather. " * 6, **small)
    assert "4711" in await shown(agent, **small)
    await correct(agent, "ada", await id_of(agent, "The gate code is 4711."), "The code is 9000.")
    for _ in range(2):
        text = await shown(agent, **small)
        assert "9000" in text
        assert "4711" not in text
        await say(agent, "Go on.", **small)


async def test_a_fact_is_corrected_by_its_object_or_by_a_sentence_and_the_old_one_is_marked(
    agent: Agent,
) -> None:
    await say(agent, "My sister Miriam moved to Lisbon in March 2026.")
    first = await id_of(agent, "Miriam lives in Lisbon (since 2026-03)")
    done = await correct(agent, "ada", first, "Porto")
    assert done["text"] == "Miriam lives in Porto (since 2026-03)"
    # The same words taught both.
    assert "Miriam moved to Porto (2026-03)" in await facts(agent)
    assert not [text for text in await facts(agent) if "Lisbon" in text]
    second = await correct(agent, "ada", done["id"][:8], "Miriam lives in Faro (since 2025).")
    assert second["text"] == "Miriam lives in Faro (since 2025)"
    told = await history(agent, "ada", second["id"])
    assert [(each["why"], each["text"]) for each in told] == [
        ("corrected", "Miriam lives in Lisbon (since 2026-03)"),
        ("corrected", "Miriam lives in Porto (since 2026-03)"),
        ("now", "Miriam lives in Faro (since 2025)"),
    ]
    owner = await user_key(agent.store, "ada")
    assert not await rebuild_knowledge(agent.store, owner), (
        "it is what the notes and corrections make"
    )
    await say(agent, "Something else.")
    await agent.undo(ADA, "trip")
    assert "Miriam lives in Faro (since 2025)" in await facts(agent)
    assert "Faro" in await say(agent, "Where does Miriam live?", "another")


async def test_what_is_said_again_after_a_correction_was_said(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    await correct(agent, "ada", await id_of(agent, "user lives in Bergen"), "Oslo")
    assert await facts(agent) == ["user lives in Oslo"]
    await say(agent, "I live in Bergen.", "later")
    assert await facts(agent) == ["user lives in Bergen"]
    owner = await user_key(agent.store, "ada")
    assert not await rebuild_knowledge(agent.store, owner)


async def test_a_correction_goes_with_the_branch_that_taught_the_fact(agent: Agent) -> None:
    await say(agent, "Hello.")
    await say(agent, "I live in Bergen.")
    left: Any = (await agent.graph.aget_state(await agent.config(ADA, "trip"))).config
    await correct(agent, "ada", await id_of(agent, "user lives in Bergen"), "Oslo")
    await agent.undo(ADA, "trip")
    assert await facts(agent) == []
    await agent.graph.aupdate_state(left, None, "__copy__")
    assert await facts(agent) == ["user lives in Oslo"]


async def test_what_cannot_be_corrected_is_one_sentence(agent: Agent) -> None:
    await say(agent, "I live in Bergen.")
    message, fact = (
        await id_of(agent, "I live in Bergen."),
        await id_of(agent, "user lives in Bergen"),
    )
    owner = await user_key(agent.store, "ada")
    (entity,) = [
        item.key
        for item in await agent.store.asearch((owner, "entities"), limit=10)
        if item.value["name"] == "user"
    ]
    for given, text, why in (
        ("nothing-like-it", "x", "You have no memory 'nothing-like-it'"),
        ("", "x", "You have no memory ''"),
        (message, " ", "The message is empty"),
        (message, "I live in Bergen.", "says that already"),
        (message, "x" * 40_000, "the limit is 32,000"),
        (fact, "", "1 to 900 characters"),
        (fact, "Bergen", "says that already"),
        (entity, "x", "made of facts; correct one of them: "),
    ):
        with pytest.raises(BadInput, match=why):
            await correct(agent, "ada", given, text)
    with pytest.raises(BadInput, match="You have no memory"):
        await correct(agent, "bob", message, "Mine now.")
    new = await correct(agent, "ada", fact, "Oslo")
    with pytest.raises(BadInput, match=f"was replaced by .*{new['id']}"):
        await correct(agent, "ada", fact, "Rome")
