"""Each row of the migration guide on presets: what users of other memories did, done here."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from langchain_core.messages import get_buffer_string

from tests.test_migration import THREADKEEP, run
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.thread_records import newest_messages
from threadkeep.cli.show_prompt import plan_of
from threadkeep.graph.context import Context
from threadkeep.stores.namespaces import messages_of, thread_id, user_key
from threadkeep.turn_agent import Agent, open_agent

TOLD = [
    "I live in Bergen.",
    "My sister Miriam moved to Lisbon in March.",
    "Miriam keeps two parrots.",
    "I work at Initech.",
]


@pytest_asyncio.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    memory = Settings(home=tmp_path, checkpoints=parse_database("memory://"))
    async with open_agent(memory) as opened:
        yield opened


async def tell(agent: Agent, context: Context, *said: str, thread: str = "trip") -> str:
    reply = ""
    for text in said:
        turn = await agent.say(context, thread, text)
        await turn.finished()
        reply = turn.reply
    return reply


async def shown(agent: Agent, context: Context, thread: str = "trip") -> str:
    return get_buffer_string((await plan_of(agent, context, thread)).prompt)


async def stored(agent: Agent, limit: int, thread: str = "trip") -> list[str]:
    owner = await user_key(agent.store, "ada")
    found = await newest_messages(agent.store, messages_of(owner, thread_id(owner, thread)), limit)
    return [str(item.value["text"]) for item in found]


async def test_a_buffer_shows_the_whole_history_in_order_until_it_no_longer_fits(
    agent: Agent,
) -> None:
    context = Context(user_id="ada", memory="buffer")
    await tell(agent, context, *TOLD)
    prompt = await shown(agent, context)
    places = [prompt.index(text) for text in TOLD]
    assert places == sorted(places)
    small = Context(user_id="ada", memory="buffer", max_tokens=512, reserve_tokens=64)
    await tell(agent, small, *[f"{number}. " + "word " * 60 for number in range(12)])
    prompt = await shown(agent, small)
    assert TOLD[0] not in prompt
    assert "11. word" in prompt


async def test_a_window_shows_the_last_exchanges_and_older_ones_stay_on_record(
    agent: Agent,
) -> None:
    context = Context(user_id="ada", memory="window", window=1)
    await tell(agent, context, *TOLD)
    prompt = await shown(agent, context)
    assert [text in prompt for text in TOLD] == [False, False, True, True]
    assert set(TOLD) < set(await stored(agent, 100))


async def test_a_token_buffer_lets_the_oldest_leave_first(agent: Agent) -> None:
    context = Context(user_id="ada", memory="tokens", history_tokens=60)
    await tell(agent, context, *TOLD)
    prompt = await shown(agent, context)
    seen = [text in prompt for text in TOLD]
    assert seen == sorted(seen)
    assert seen[0] is False
    assert seen[-1] is True


async def test_a_summary_stands_in_for_all_but_the_newest_exchange(agent: Agent) -> None:
    context = Context(user_id="ada", memory="summary")
    await tell(agent, context, *TOLD)
    plan = await plan_of(agent, context, "trip")
    assert plan.ledger["summary"] > 0
    assert TOLD[0] not in [message.content for message in plan.prompt]
    assert "Bergen" in get_buffer_string(plan.prompt)


async def test_a_progressive_summary_folds_the_older_and_keeps_the_last_word_for_word(
    agent: Agent,
) -> None:
    context = Context(user_id="ada", memory="progressive", max_tokens=900, reserve_tokens=100)
    await tell(agent, context, *TOLD, *[f"{number}. " + "more words " * 20 for number in range(12)])
    plan = await plan_of(agent, context, "trip")
    told = [message.content for message in plan.prompt]
    assert plan.ledger["summary"] > 0
    assert TOLD[0] not in told
    assert any(str(each).startswith("11. more") for each in told)
    assert "Lisbon" in get_buffer_string(plan.prompt)


async def test_the_free_tokens_are_what_limit_and_reserve_leave(agent: Agent) -> None:
    context = Context(user_id="ada", memory="buffer", max_tokens=4_000, reserve_tokens=500)
    await tell(agent, context, *TOLD)
    ledger = (await plan_of(agent, context, "trip")).ledger
    assert ledger["free"] == ledger["limit"] - ledger["reserve"] - ledger["prompt"] > 0


@pytest.mark.parametrize(("memory", "kind"), [("entity", "entity"), ("graph", "fact")])
async def test_what_is_known_of_what_is_mentioned_comes_into_the_prompt(
    agent: Agent, memory: str, kind: str
) -> None:
    context = Context.model_validate({"user_id": "ada", "memory": memory})
    await tell(agent, context, *TOLD)
    turn = await agent.say(context, "another", "What does Miriam do?")
    await turn.finished()
    found = [each["text"] for each in turn.memories if each["kind"] == kind]
    assert any("Lisbon" in text for text in found)


@pytest.mark.parametrize("memory", ["vector", "hybrid"])
async def test_the_nearest_past_exchanges_come_into_the_prompt(agent: Agent, memory: str) -> None:
    context = Context.model_validate({"user_id": "ada", "memory": memory})
    await tell(agent, context, *TOLD)
    await tell(agent, context, "Where does my sister live?", thread="another")
    assert TOLD[1] in await shown(agent, context, "another")


async def test_history_in_files_survives_shows_its_last_messages_and_is_cleared(
    tmp_path: Path,
) -> None:
    context = Context(user_id="ada", memory="buffer")
    async with open_agent(Settings(home=tmp_path)) as agent:
        await tell(agent, context, *TOLD)
    async with open_agent(Settings(home=tmp_path)) as agent:
        assert TOLD[0] in await shown(agent, context)
        assert len(await stored(agent, 3)) == 3
        await agent.delete_thread(context, "trip")
        assert await stored(agent, 3) == []
        with pytest.raises(BadInput):
            await shown(agent, context)


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
