"""Each row of the table of presets in docs/migration.md."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from langchain_core.messages import get_buffer_string

from tests.backends import THREADKEEP, say_options
from tests.test_migration import run
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.thread_records import newest_messages
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.prompt.plan import PromptPlan
from threadkeep.stores.namespaces import messages_of, thread_id, user_key

TALK = [
    "I live in Bergen.",
    "My sister Miriam moved to Lisbon in March.",
    "Miriam keeps two parrots.",
    "I work at Initech.",
]


@pytest_asyncio.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    settings = Settings(home=tmp_path, checkpoints=parse_database("memory://"))
    async with open_memory(settings) as memory:
        yield memory


async def say(memory: Memory, context: Context, *texts: str, thread: str = "trip") -> str:
    reply = ""
    for text in texts:
        turn = await memory.say(text, thread=thread, **say_options(context))
        await turn.finished()
        reply = turn.reply
    return reply


async def prompt_of(memory: Memory, context: Context, thread: str) -> PromptPlan:
    values = say_options(context)
    return await memory.prompt(thread, values["context"], user_id=values["user_id"])


async def prompt_text(memory: Memory, context: Context, thread: str = "trip") -> str:
    return get_buffer_string((await prompt_of(memory, context, thread)).prompt)


async def stored(memory: Memory, limit: int, thread: str = "trip") -> list[str]:
    owner = await user_key(memory.opened.store, "ada")
    messages = await newest_messages(
        memory.opened.store, messages_of(owner, thread_id(owner, thread)), limit
    )
    return [str(item.value["text"]) for item in messages]


async def test_a_buffer_shows_the_whole_history_in_order_until_it_no_longer_fits(
    memory: Memory,
) -> None:
    context = Context(user_id="ada", memory="buffer")
    await say(memory, context, *TALK)
    prompt = await prompt_text(memory, context)
    places = [prompt.index(text) for text in TALK]
    assert places == sorted(places)
    small = Context(user_id="ada", memory="buffer", max_tokens=512, reserve_tokens=64)
    await say(memory, small, *[f"{number}. " + "word " * 60 for number in range(12)])
    prompt = await prompt_text(memory, small)
    assert TALK[0] not in prompt
    assert "11. word" in prompt


async def test_a_window_shows_the_last_exchanges_and_older_ones_stay_stored(
    memory: Memory,
) -> None:
    context = Context(user_id="ada", memory="window", window=1)
    await say(memory, context, *TALK)
    prompt = await prompt_text(memory, context)
    assert [text in prompt for text in TALK] == [False, False, True, True]
    assert set(TALK) < set(await stored(memory, 100))


async def test_a_token_buffer_drops_the_oldest_messages_first(memory: Memory) -> None:
    context = Context(user_id="ada", memory="tokens", history_tokens=60)
    await say(memory, context, *TALK)
    prompt = await prompt_text(memory, context)
    recent = [text in prompt for text in TALK]
    assert recent == sorted(recent)
    assert recent[0] is False
    assert recent[-1] is True


async def test_a_summary_replaces_all_but_the_newest_exchange(memory: Memory) -> None:
    context = Context(user_id="ada", memory="summary")
    await say(memory, context, *TALK)
    plan = await prompt_of(memory, context, "trip")
    assert plan.ledger["summary"] > 0
    assert TALK[0] not in [message.content for message in plan.prompt]
    assert "Bergen" in get_buffer_string(plan.prompt)


async def test_a_progressive_summary_folds_old_messages_and_shows_recent_ones_verbatim(
    memory: Memory,
) -> None:
    context = Context(user_id="ada", memory="progressive", max_tokens=900, reserve_tokens=100)
    await say(memory, context, *TALK, *[f"{number}. " + "more words " * 20 for number in range(12)])
    plan = await prompt_of(memory, context, "trip")
    contents = [message.content for message in plan.prompt]
    assert plan.ledger["summary"] > 0
    assert TALK[0] not in contents
    assert any(str(content).startswith("11. more") for content in contents)
    assert "Lisbon" in get_buffer_string(plan.prompt)


async def test_the_free_tokens_are_the_limit_without_reserve_and_prompt(memory: Memory) -> None:
    context = Context(user_id="ada", memory="buffer", max_tokens=4_000, reserve_tokens=500)
    await say(memory, context, *TALK)
    ledger = (await prompt_of(memory, context, "trip")).ledger
    assert ledger["free"] == ledger["limit"] - ledger["reserve"] - ledger["prompt"] > 0


@pytest.mark.parametrize(("preset", "kind"), [("entity", "entity"), ("graph", "fact")])
async def test_knowledge_about_mentioned_entities_is_in_the_prompt(
    memory: Memory, preset: str, kind: str
) -> None:
    context = Context.model_validate({"user_id": "ada", "memory": preset})
    await say(memory, context, *TALK)
    turn = await memory.say("What does Miriam do?", thread="another", **say_options(context))
    await turn.finished()
    texts = [item["text"] for item in turn.memories if item["kind"] == kind]
    assert any("Lisbon" in text for text in texts)


@pytest.mark.parametrize("preset", ["vector", "hybrid"])
async def test_the_nearest_past_exchanges_are_in_the_prompt(memory: Memory, preset: str) -> None:
    context = Context.model_validate({"user_id": "ada", "memory": preset})
    await say(memory, context, *TALK)
    await say(memory, context, "Where does my sister live?", thread="another")
    assert TALK[1] in await prompt_text(memory, context, "another")


async def test_history_in_files_survives_a_restart_and_can_be_deleted(
    tmp_path: Path,
) -> None:
    context = Context(user_id="ada", memory="buffer")
    async with open_memory(Settings(home=tmp_path)) as memory:
        await say(memory, context, *TALK)
    async with open_memory(Settings(home=tmp_path)) as memory:
        assert TALK[0] in await prompt_text(memory, context)
        assert len(await stored(memory, 3)) == 3
        await memory.delete_thread("trip", user_id=context.user_id)
        assert await stored(memory, 3) == []
        with pytest.raises(BadInput):
            await prompt_text(memory, context)


def test_a_preset_can_be_set_for_one_thread_and_its_cost_is_printed(tmp_path: Path) -> None:
    def threadkeep(*args: str) -> str:
        env = {"THREADKEEP_HOME": str(tmp_path), "THREADKEEP_NO_PROBE": "1"}
        return run(env, *THREADKEEP, *args, "-u", "ada")

    threadkeep("ask", "-t", "trip", TALK[0])
    threadkeep("threads", "set", "trip", "--memory", "window", "--context", "window=1")
    threadkeep("ask", "-t", "trip", TALK[1])
    threadkeep("ask", "-t", "trip", TALK[2])
    prompt = threadkeep("threads", "prompt", "trip")
    assert TALK[0] not in prompt
    assert TALK[1] in prompt
    assert TALK[2] in prompt
    output = json.loads(threadkeep("threads", "prompt", "trip", "--memory", "buffer", "--json"))
    assert TALK[0] in json.dumps(output["prompt"])
    assert output["tokens"]["free"] > 0
    usage = json.loads(threadkeep("usage", "--by", "day", "--json").splitlines()[0])
    assert usage["calls"] == 3
    (entity,) = [
        item
        for item in map(json.loads, threadkeep("memory", "list", "--json").splitlines())
        if item["kind"] == "entity" and item["name"] == "user"
    ]
    assert entity["mentions"] >= 1
    assert {"type", "attributes", "first_seen"} <= set(entity)
