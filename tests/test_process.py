"""A program tunes the garbage collector of its process; a library call does not."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from threadkeep.base.errors import ThreadBusy
from threadkeep.base.settings import Settings
from threadkeep.cli.chat_session import ChatSession
from threadkeep.cli.connection import Connection
from threadkeep.memory import Memory, open_memory
from threadkeep.process import freeze_loaded_objects
from threadkeep.server.http.runs import Runs
from threadkeep.turn import Event


@pytest.fixture
def thawed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("threadkeep.process._frozen", set())
    gc.unfreeze()
    yield
    gc.unfreeze()


async def test_a_library_call_leaves_the_garbage_collector_alone(
    tmp_path: Path, thawed: None
) -> None:
    async with open_memory(Settings(home=tmp_path)) as memory:
        turn = await memory.say("Hello.", thread="first", user_id="ada")
        await turn.finished()
    assert gc.get_freeze_count() == 0


@pytest.fixture
def freezes(thawed: None, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry per call of `gc.freeze`."""
    calls: list[None] = []
    monkeypatch.setattr(gc, "freeze", lambda: calls.append(None))
    monkeypatch.setattr(gc, "get_freeze_count", lambda: pytest.fail("counts every object"))
    return calls


def test_a_program_freezes_what_is_loaded_once_and_once_more(freezes: list[None]) -> None:
    for again in (False, False, True, True, False):
        freeze_loaded_objects(again=again)
    assert len(freezes) == 2


async def test_the_chat_freezes_after_a_turn_and_after_the_vectors_are_loaded(
    tmp_path: Path, freezes: list[None]
) -> None:
    chat = ChatSession(Connection(Settings(home=tmp_path), user_id="ada"), {}, "first")
    await chat.open(continue_last=False)
    for count in (1, 2, 2):
        await chat.answer("Hello.")
        await chat.finish_turn()
        assert len(freezes) == count
        memory = chat.memory
        assert isinstance(memory, Memory)
        await memory.opened.store.index_pending()
    await chat.close()


async def test_a_server_freezes_after_a_run_that_succeeded(
    tmp_path: Path, freezes: list[None]
) -> None:
    async def failing() -> AsyncIterator[Event]:
        yield "updates", {}
        raise ThreadBusy("first", 0.0)

    async def succeeding() -> AsyncIterator[Event]:
        yield "updates", {}

    async with open_memory(Settings(home=tmp_path)) as memory:
        runs = Runs(memory)
        for run, count in ((failing(), 0), (succeeding(), 1), (succeeding(), 1)):
            await asyncio.wait([runs.begin(run).task])
            await asyncio.sleep(0)
            assert len(freezes) == count
        await memory.opened.store.index_pending()
        await asyncio.wait([runs.begin(succeeding()).task])
        await asyncio.sleep(0)
        assert len(freezes) == 2
