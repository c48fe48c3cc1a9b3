"""What a program does to its own process so that no answer is interrupted, and a library not."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory
from threadkeep.process import freeze_loaded_objects


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


def test_a_program_freezes_what_is_loaded_once_and_once_more(
    thawed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(gc, "freeze", lambda: calls.append(None))
    monkeypatch.setattr(gc, "get_freeze_count", lambda: pytest.fail("counts every object"))
    for again in (False, False, True, True, False):
        freeze_loaded_objects(again=again)
    assert len(calls) == 2
