"""An erasure that fails stops nobody: it is retried, then set aside, named, and can be retried."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import RemoveMessage

from tests.erase.helpers import id_of, say, stored_messages
from threadkeep.base.settings import Settings
from threadkeep.cli.doctor import run_checks
from threadkeep.erase import erase_parts, steps
from threadkeep.erase.intents import INTENTS, MAX_ATTEMPTS
from threadkeep.erase.plan import Target
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.access_tokens import add_token

SECRET = "The vault opens with tulip-4711."
OTHER = "My sister Miriam keeps two parrots."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, model="offline")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    async def fail(*_: Any) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(steps, "erase_parts", fail)
    return monkeypatch


async def interrupt(settings: Settings) -> None:
    """Leave the erasure of a message of Ada unfinished."""
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", OTHER, SECRET)
        target = Target(kind="message", name=await id_of(memory, SECRET))
        with pytest.raises(ValueError, match="tulip"):
            await memory.forget(target, user_id="ada")


async def test_a_failing_erasure_stops_no_start_and_no_other_user(
    settings: Settings, failing: pytest.MonkeyPatch
) -> None:
    await interrupt(settings)
    for _ in range(MAX_ATTEMPTS + 2):
        async with open_memory(settings) as memory:
            assert memory.recovered == []
            await say(memory, "bob", "trip", "I live in Bergen.")
            assert "Bergen" in await say(memory, "bob", "trip", "Where do I live?")
            (sentence,) = await memory.unfinished_erasures(user_id="ada")
            assert await memory.unfinished_erasures(user_id="bob") == []
    assert f"failed {MAX_ATTEMPTS} times (ValueError) and is set aside" in sentence
    assert "tulip" not in sentence


async def test_doctor_names_a_failing_erasure(
    settings: Settings, failing: pytest.MonkeyPatch
) -> None:
    await interrupt(settings)
    results = [result async for result in run_checks(settings, reindex=False, sweep=False)]
    (erasures,) = [result for result in results if result["check"] == "erasures"]
    assert not erasures["ok"]
    assert "threadkeep forget --user NAME --retry" in erasures["said"]


async def test_a_set_aside_erasure_is_completed_on_request(
    settings: Settings, failing: pytest.MonkeyPatch
) -> None:
    await interrupt(settings)
    for _ in range(MAX_ATTEMPTS):
        async with open_memory(settings):
            pass
    async with open_memory(settings) as memory:
        receipts, unfinished = await memory.retry_erasures(user_id="ada")
        assert receipts == []
        assert len(unfinished) == 1
        failing.setattr(steps, "erase_parts", erase_parts.erase_parts)
        assert await memory.retry_erasures(user_id="bob") == ([], [])
        (receipt,), unfinished = await memory.retry_erasures(user_id="ada")
        assert receipt.forgot == "message"
        assert unfinished == []
        texts = [value["text"] for value in await stored_messages(memory, "trip")]
        assert OTHER in texts
        assert SECRET not in texts


@pytest.mark.parametrize("value", [{}, {"owner": 5, "kind": []}, {"owner": "x", "threads": None}])
async def test_an_intent_of_another_shape_stops_no_start(
    settings: Settings, value: dict[str, Any]
) -> None:
    async with open_memory(settings) as memory:
        await memory.opened.store.internal.aput(INTENTS, "broken", value, index=False)
    for _ in range(MAX_ATTEMPTS + 1):
        async with open_memory(settings) as memory:
            await say(memory, "bob", "trip", "I live in Bergen.")


async def test_a_message_of_a_thread_whose_state_cannot_be_read_is_erased(memory: Memory) -> None:
    await say(memory, "ada", "trip", OTHER, SECRET)
    thread = await memory.thread("trip", user_id="ada")
    config = (await memory.graph.aget_state(thread.config())).config
    write = [("messages", [RemoveMessage(id="not-there")])]
    await memory.opened.inner_saver.aput_writes(
        config, write, "00000000-0000-0000-0000-000000000000"
    )
    target = Target(kind="message", name=await id_of(memory, SECRET))
    receipt = await memory.forget(target, user_id="ada")
    assert receipt.found == []
    assert await memory.unfinished_erasures(user_id="ada") == []
    texts = [value["text"] for value in await stored_messages(memory, "trip")]
    assert OTHER in texts
    assert SECRET not in texts
    await say(memory, "ada", "trip", "What does my sister keep?")


async def test_tokens_go_with_their_user(settings: Settings) -> None:
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", OTHER)
        await add_token(memory.opened.store, "ada")
        receipt = await memory.forget(Target(kind="user"), user_id="ada")
        assert receipt.removed["tokens of a server"] == 1
        assert await memory.unfinished_erasures(user_id="ada") == []
