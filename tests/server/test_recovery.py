"""Interrupted turns are finished in the background, once per user and process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from langchain_core.outputs import ChatGenerationChunk

from threadkeep.base.settings import Settings
from threadkeep.checkpoints.turn_journal import TurnRecord
from threadkeep.memory import open_memory
from threadkeep.models.faults import RequestRefused, Unreachable
from threadkeep.server.recovery import TurnRecovery
from threadkeep.stores.namespaces import user_key
from threadkeep.testing import ScriptedChatModel

TEXT = "I live in Bergen."


class WaitingModel(ScriptedChatModel):
    """A model that never answers."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        self.prompts.append([])
        await asyncio.Event().wait()
        yield  # type: ignore[misc]


async def until_called(model: ScriptedChatModel) -> None:
    async with asyncio.timeout(10):
        while not model.prompts:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def interrupt_turn(settings: Settings) -> None:
    """Stop a turn before its reply, as a crash does."""
    model = WaitingModel()
    async with open_memory(settings, model=model) as memory:
        turn = await memory.say(TEXT, thread="trip", user_id="ada")
        await until_called(model)
        memory.stop()
        await turn.stop()


async def test_an_interrupted_turn_is_finished_once(tmp_path: Path) -> None:
    settings, model = Settings(home=tmp_path), ScriptedChatModel("Noted.")
    await interrupt_turn(settings)
    async with open_memory(settings, model=model) as memory:
        recovery = TurnRecovery(memory)
        recovery.start("ada")
        recovery.start("ada")
        assert len(recovery.tasks) == 1
        await asyncio.gather(*recovery.tasks)
        messages = await memory.messages("trip", user_id="ada")
    assert [message["text"] for message in messages] == [TEXT, "Noted."]
    assert len(model.prompts) == 1


async def test_a_recovery_that_is_stopped_is_repeated_after_the_next_start(tmp_path: Path) -> None:
    settings, model = Settings(home=tmp_path), WaitingModel()
    await interrupt_turn(settings)
    async with open_memory(settings, model=model) as memory:
        recovery = TurnRecovery(memory)
        recovery.start("ada")
        await until_called(model)
        await recovery.stop()
        assert not recovery.tasks
    async with open_memory(settings, model=ScriptedChatModel("Noted.")) as memory:
        assert len(await memory.recover(user_id="ada")) == 1
        messages = await memory.messages("trip", user_id="ada")
    assert [message["text"] for message in messages] == [TEXT, "Noted."]


async def test_a_turn_whose_recovery_fails_is_reported_once_and_waits_for_its_user(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path)
    await interrupt_turn(settings)
    model = ScriptedChatModel(RequestRefused("The provider refused it."))
    async with open_memory(settings, model=model) as memory:
        (sentence,) = await memory.recover(user_id="ada")
        assert "'trip' got no answer (The provider refused it)" in sentence
        assert await memory.recover(user_id="ada") == []
        assert [row["messages"] for row in await memory.unanswered(user_id="ada")] == [[TEXT]]


async def test_a_turn_that_fails_for_now_is_tried_three_times(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    await interrupt_turn(settings)
    sentences: list[list[str]] = []
    for _ in range(5):
        model = ScriptedChatModel(*[Unreachable("No connection.")] * 9)
        async with open_memory(settings, model=model) as memory:
            sentences.append(await memory.recover(user_id="ada"))
    assert [len(lines) for lines in sentences] == [0, 0, 1, 0, 0]


async def test_a_recovery_that_takes_too_long_waits_for_the_next_start(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    await interrupt_turn(settings)
    async with open_memory(settings, model=WaitingModel()) as memory:
        assert await memory.recover(limit=0.2, user_id="ada") == []
    async with open_memory(settings, model=ScriptedChatModel("Noted.")) as memory:
        assert await memory.recover(user_id="ada") == [
            "The turn that was cut off in thread 'trip' is finished now: Noted."
        ]


async def test_a_message_that_was_cut_off_before_it_was_stored_is_not_called_finished(
    tmp_path: Path,
) -> None:
    async with open_memory(Settings(home=tmp_path), model=ScriptedChatModel("Noted.")) as memory:
        thread = await memory.thread("trip", user_id="ada")
        owner = await user_key(memory.opened.store, "ada")
        record = TurnRecord(owner=owner, thread=thread.id, name="trip", text=TEXT)
        await memory.opened.turn_journal.write(record)
        (sentence,) = await memory.recover(user_id="ada")
        assert "finished" not in sentence
        turn = await memory.retry("trip", user_id="ada")
        await turn.finished()
        assert turn.reply == "Noted."
        messages = await memory.messages("trip", user_id="ada")
    assert [message["text"] for message in messages] == [TEXT, "Noted."]
