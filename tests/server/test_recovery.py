"""Interrupted turns are finished in the background, once per user and process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from langchain_core.outputs import ChatGenerationChunk

from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory
from threadkeep.server.recovery import TurnRecovery
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
