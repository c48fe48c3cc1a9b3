"""Each row of the migration guide on presets: what users of other memories did, done here."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from langchain_core.messages import get_buffer_string

from tests.backends import asking
from tests.test_migration import THREADKEEP, run
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.thread_records import newest_messages
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.prompt.plan import PromptPlan
from threadkeep.stores.namespaces import messages_of, thread_id, user_key

TOLD = [
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


async def tell(memory: Memory, context: Context, *said: str, thread: str = "trip") -> str:
    reply = ""
    for text in said:
        turn = await memory.say(text, thread=thread, **asking(context))
        await turn.finished()
        reply = turn.reply
    return reply


async def prompt_of(memory: Memory, context: Context, thread: str) -> PromptPlan:
    values = asking(context)
    return await memory.prompt(thread, values["context"], user_id=values["user_id"])


async def shown(memory: Memory, context: Context, thread: str = "trip") -> str:
    return get_buffer_string((await prompt_of(memory, context, thread)).prompt)


async def stored(memory: Memory, limit: int, thread: str = "trip") -> list[str]:
    owner = await user_key(memory.opened.store, "ada")
    found = await newest_messages(
        memory.opened.store, messages_of(owner, thread_id(owner, thread)), limit
    )
    return [str(item.value["text"]) for item in found]


async def test_a_buffer_shows_the_whole_history_in_order_until_it_no_longer_fits(
    memory: Memory,
) -> None:
    context = Context(user_id="ada", memory="buffer")
    await tell(memory, context, *TOLD)
    prompt = await shown(memory, context)
    places = [prompt.index(text) for text in TOLD]
    assert places == sorted(places)
    small = Context(user_id="ada", memory="buffer", max_tokens=512, reserve_tokens=64)
    await tell(memory, small, *[f"{number}. " + "word " * 60 for number in range(12)])
    prompt = await shown(memory, small)
    assert TOLD[0] not in prompt
    assert "11. word" in prompt


async def test_a_window_shows_the_last_exchanges_and_older_ones_stay_on_record(
    memory: Memory,
) -> None:
    context = Context(user_id="ada", memory="window", window=1)
    await tell(memory, context, *TOLD)
    prompt = await shown(memory, context)
    assert [text in prompt for text in TOLD] == [False, False, True, True]
    assert set(TOLD) < set(await stored(memory, 100))


async def test_a_token_buffer_lets_the_oldest_leave_first(memory: Memory) -> None:
    context = Context(user_id="ada", memory="tokens", history_tokens=60)
    await tell(memory, context, *TOLD)
    prompt = await shown(memory, context)
    seen = [text in prompt for text in TOLD]
    assert seen == sorted(seen)
    assert seen[0] is False
    assert seen[-1] is True


async def test_a_summary_stands_in_for_all_but_the_newest_exchange(memory: Memory) -> None:
    context = Context(user_id="ada", memory="summary")
    await tell(memory, context, *TOLD)
    plan = await prompt_of(memory, context, "trip")
    assert plan.ledger["summary"] > 0
    assert TOLD[0] not in [message.content for message in plan.prompt]
    assert "Bergen" in get_buffer_string(plan.prompt)


async def test_a_progressive_summary_folds_the_older_and_keeps_the_last_word_for_word(
    memory: Memory,
) -> None:
    context = Context(user_id="ada", memory="progressive", max_tokens=900, reserve_tokens=100)
    await tell(
        memory, context, *TOLD, *[f"{number}. " + "more words " * 20 for number in range(12)]
    )
    plan = await prompt_of(memory, context, "trip")
    told = [message.content for message in plan.prompt]
    assert plan.ledger["summary"] > 0
    assert TOLD[0] not in told
    assert any(str(each).startswith("11. more") for each in told)
    assert "Lisbon" in get_buffer_string(plan.prompt)


async def test_the_free_tokens_are_what_limit_and_reserve_leave(memory: Memory) -> None:
    context = Context(user_id="ada", memory="buffer", max_tokens=4_000, reserve_tokens=500)
    await tell(memory, context, *TOLD)
    ledger = (await prompt_of(memory, context, "trip")).ledger
    assert ledger["free"] == ledger["limit"] - ledger["reserve"] - ledger["prompt"] > 0


@pytest.mark.parametrize(("preset", "kind"), [("entity", "entity"), ("graph", "fact")])
async def test_what_is_known_of_what_is_mentioned_comes_into_the_prompt(
    memory: Memory, preset: str, kind: str
) -> None:
    context = Context.model_validate({"user_id": "ada", "memory": preset})
    await tell(memory, context, *TOLD)
    turn = await memory.say("What does Miriam do?", thread="another", **asking(context))
    await turn.finished()
    found = [each["text"] for each in turn.memories if each["kind"] == kind]
    assert any("Lisbon" in text for text in found)


@pytest.mark.parametrize("preset", ["vector", "hybrid"])
async def test_the_nearest_past_exchanges_come_into_the_prompt(memory: Memory, preset: str) -> None:
    context = Context.model_validate({"user_id": "ada", "memory": preset})
    await tell(memory, context, *TOLD)
    await tell(memory, context, "Where does my sister live?", thread="another")
    assert TOLD[1] in await shown(memory, context, "another")


async def test_history_in_files_survives_shows_its_last_messages_and_is_cleared(
    tmp_path: Path,
) -> None:
    context = Context(user_id="ada", memory="buffer")
    async with open_memory(Settings(home=tmp_path)) as memory:
        await tell(memory, context, *TOLD)
    async with open_memory(Settings(home=tmp_path)) as memory:
        assert TOLD[0] in await shown(memory, context)
        assert len(await stored(memory, 3)) == 3
        await memory.delete_thread("trip", user_id=context.user_id)
        assert await stored(memory, 3) == []
        with pytest.raises(BadInput):
            await shown(memory, context)


def test_a_strategy_is_chosen_for_one_thread_and_its_cost_is_told(tmp_path: Path) -> None:
    def threadkeep(*args: str) -> str:
        env = {"THREADKEEP_HOME": str(tmp_path), "THREADKEEP_NO_PROBE": "1"}
        return run(env, *THREADKEEP, *args, "-u", "ada")

    threadkeep("ask", "-t", "trip", TOLD[0])
    threadkeep("threads", "set", "trip", "--memory", "window", "--context", "window=1")
    threadkeep("ask", "-t", "trip", TOLD[1])
    threadkeep("ask", "-t", "trip", TOLD[2])
    prompt = threadkeep("threads", "prompt", "trip")
    assert TOLD[0] not in prompt
    assert TOLD[1] in prompt
    assert TOLD[2] in prompt
    told = json.loads(threadkeep("threads", "prompt", "trip", "--memory", "buffer", "--json"))
    assert TOLD[0] in json.dumps(told["prompt"])
    assert told["tokens"]["free"] > 0
    usage = json.loads(threadkeep("usage", "--by", "day", "--json").splitlines()[0])
    assert usage["calls"] == 3
    (entity,) = [
        each
        for each in map(json.loads, threadkeep("memory", "list", "--json").splitlines())
        if each["kind"] == "entity" and each["name"] == "user"
    ]
    assert entity["mentions"] >= 1
    assert {"type", "attributes", "first_seen"} <= set(entity)
