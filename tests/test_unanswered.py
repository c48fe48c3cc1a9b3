"""Turns that fail: they hold up nothing else, are asked once, and can be retried or dropped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from threadkeep import Settings, open_memory
from threadkeep.base.errors import BadInput, ThreadkeepError
from threadkeep.memory import Memory
from threadkeep.models.faults import (
    ContextOverflow,
    KeyRefused,
    ModelFault,
    ProviderServerFailed,
    QuotaUsedUp,
    RequestRefused,
    TooSlow,
    UnknownModel,
    Unreachable,
)
from threadkeep.testing import ScriptedChatModel

FAULTS: list[type[ModelFault]] = [
    RequestRefused,
    KeyRefused,
    UnknownModel,
    QuotaUsedUp,
    ContextOverflow,
    ProviderServerFailed,
    Unreachable,
    TooSlow,
]
POISON = "This is POISON."


class PoisonedModel(ScriptedChatModel):
    """A model that fails wherever its prompt holds the poison."""

    fault: Any = RequestRefused

    def _next(self, messages: list[Any]) -> Any:
        if any("POISON" in message.text for message in messages):
            self.prompts.append(list(messages))
            raise self.fault("The provider refused it.")
        return super()._next(messages)


@asynccontextmanager
async def opened(path: Path, model: ScriptedChatModel) -> AsyncIterator[Memory]:
    async with open_memory(Settings(home=path), model=model) as memory:
        yield memory


async def say(memory: Memory, text: str, thread: str = "trip", user: str = "ada") -> str:
    turn = await memory.say(text, thread=thread, user_id=user)
    await turn.finished()
    return turn.reply


async def fail(memory: Memory, text: str, thread: str = "trip") -> None:
    with pytest.raises(ThreadkeepError):
        await say(memory, text, thread)


async def texts(memory: Memory, thread: str = "trip") -> list[str]:
    return [row["text"] for row in await memory.messages(thread, user_id="ada")]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_turn_that_always_fails_holds_up_neither_threads_nor_users_nor_a_start(
    fault: type[ModelFault], tmp_path: Path
) -> None:
    model = PoisonedModel(fault=fault)
    async with opened(tmp_path, model) as memory:
        await fail(memory, POISON)
        assert await memory.recover(user_id="ada") == []
        assert await say(memory, "I own a boat.", "other") == "I own a boat."
        assert await say(memory, "I own a car.", user="bob") == "I own a car."
        (row,) = await memory.unanswered(user_id="ada")
        assert (row["thread"], row["messages"]) == ("trip", [POISON])
        assert "threads retry trip" in row["sentence"]
        assert await memory.unanswered(user_id="bob") == []
    async with opened(tmp_path, model) as memory:
        assert await memory.recover(user_id="ada") == []
        assert len(await memory.unanswered(user_id="ada")) == 1


@pytest.mark.parametrize("fault", [RequestRefused, ContextOverflow])
async def test_after_a_refused_message_the_thread_continues_and_keeps_it_for_a_retry(
    fault: type[ModelFault], tmp_path: Path
) -> None:
    model = PoisonedModel(fault=fault)
    model.script("Noted.")
    async with opened(tmp_path, model) as memory:
        await say(memory, "I own a boat.")
        await fail(memory, POISON)
        model.script("A kite.")
        assert await say(memory, "I own a kite.") == "A kite."
        assert await texts(memory) == ["I own a boat.", "Noted.", "I own a kite.", "A kite."]
        (row,) = await memory.unanswered(user_id="ada")
        assert row["messages"] == [POISON]
        model.fault = None
        assert await memory.discard("trip", user_id="ada") == [POISON]
        assert await memory.unanswered(user_id="ada") == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_two_failures_in_a_row_do_not_lock_the_thread(
    fault: type[ModelFault], tmp_path: Path
) -> None:
    model = PoisonedModel(fault=fault)
    async with opened(tmp_path, model) as memory:
        await fail(memory, POISON)
        texts_sent = ["I own a kite.", "I own a bike."]
        replies = []
        for text in texts_sent:
            with suppress(ModelFault):
                replies.append(await say(memory, text))
        assert replies[-1] == "I own a bike."
        (row,) = await memory.unanswered(user_id="ada")
        all_texts = {*row["messages"], *await texts(memory)}
        assert {POISON, *texts_sent} <= all_texts


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("again", ["What colour is it?", "  What  colour\nis it? \n"])
async def test_a_message_typed_again_after_a_failure_is_sent_and_stored_once(
    fault: type[ModelFault], again: str, tmp_path: Path
) -> None:
    model = ScriptedChatModel(fault("It failed."), "Blue.")
    async with opened(tmp_path, model) as memory:
        await fail(memory, "What colour is it?")
        model.prompts.clear()
        assert await say(memory, again) == "Blue."
        assert len(model.prompts) == 1
        assert await texts(memory) == ["What colour is it?", "Blue."]
        assert await memory.unanswered(user_id="ada") == []


async def test_a_message_typed_again_after_it_was_set_aside_no_longer_waits(tmp_path: Path) -> None:
    model = PoisonedModel()
    async with opened(tmp_path, model) as memory:
        await fail(memory, POISON)
        await say(memory, "I own a kite.")
        model.__class__ = ScriptedChatModel  # type: ignore[assignment]
        assert await say(memory, f" {POISON}") == f" {POISON}"
        assert await memory.unanswered(user_id="ada") == []
        assert (await texts(memory)).count(f" {POISON}") == 2


async def test_a_message_stopped_by_its_user_and_typed_again_is_stored_once(tmp_path: Path) -> None:
    model = ScriptedChatModel("one two three", "Blue.")
    async with opened(tmp_path, model) as memory:
        turn = await memory.say("What colour is it?", thread="trip", user_id="ada")
        await anext(aiter(turn))
        await turn.stop()
        assert await memory.unanswered(user_id="ada") == []
        assert await memory.recover(user_id="ada") == []
        await say(memory, "What colour is it?")
        stored = await texts(memory)
        assert stored.count("What colour is it?") == 1
        assert len(stored) == 2


async def test_a_transient_failure_keeps_the_message_in_the_thread_for_the_next_answer(
    tmp_path: Path,
) -> None:
    model = ScriptedChatModel(Unreachable("No connection."), "Hello Ada.")
    async with opened(tmp_path, model) as memory:
        await fail(memory, "My name is Ada.")
        await say(memory, "What is my name?")
        prompt_texts = [message.text for message in model.prompts[-1]]
        assert any("My name is Ada." in text for text in prompt_texts)
        assert await texts(memory) == ["My name is Ada.", "What is my name?", "Hello Ada."]
        assert await memory.unanswered(user_id="ada") == []


async def test_retry_sends_the_message_again_and_undo_takes_it_back(tmp_path: Path) -> None:
    model = ScriptedChatModel(KeyRefused("No."), KeyRefused("No."), "Blue.")
    async with opened(tmp_path, model) as memory:
        with pytest.raises(BadInput):
            await memory.retry("trip", user_id="ada")
        await fail(memory, "What colour is it?")
        with pytest.raises(KeyRefused):
            await (await memory.retry("trip", user_id="ada")).finished()
        turn = await memory.retry("trip", user_id="ada")
        await turn.finished()
        assert turn.reply == "Blue."
        assert await texts(memory) == ["What colour is it?", "Blue."]
        model.script(KeyRefused("No."))
        await fail(memory, "And now?")
        assert await memory.undo("trip", user_id="ada") == ["And now?"]
        assert await memory.unanswered(user_id="ada") == []
        assert await say(memory, "I own a boat.") == "I own a boat."


async def test_input_that_a_run_refuses_is_dropped(tmp_path: Path) -> None:
    model = ScriptedChatModel("Noted.", BadInput("The clock is not allowed."))
    async with opened(tmp_path, model) as memory:
        await say(memory, "I own a boat.")
        await fail(memory, "My hat is violet.")
        assert await memory.unanswered(user_id="ada") == []
        await say(memory, "I own a kite.")
        assert "My hat is violet." not in await texts(memory)
        await memory.undo("trip", user_id="ada")
        assert await texts(memory) == ["I own a boat.", "Noted."]


def records_in(path: Path) -> list[Path]:
    return list(path.rglob("*.open"))


async def test_what_was_set_aside_goes_with_its_user(tmp_path: Path) -> None:
    from threadkeep.erase.plan import Target

    model = PoisonedModel()
    async with opened(tmp_path, model) as memory:
        await fail(memory, POISON)
        await say(memory, "I own a kite.")
        await memory.forget(Target(kind="user"), user_id="ada")
        assert await memory.unanswered(user_id="ada") == []
    assert not records_in(tmp_path)
