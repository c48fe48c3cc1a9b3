"""What a process does so that no answer is interrupted."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from threadkeep.base.settings import Settings
from threadkeep.graph.context import Context
from threadkeep.turn_agent import open_agent
from threadkeep.turn_settle import settle


@pytest.fixture
def thawed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("threadkeep.turn_settle._settled", set())
    gc.unfreeze()
    yield
    gc.unfreeze()


async def test_what_is_loaded_once_is_never_collected_during_an_answer(
    tmp_path: Path, thawed: None
) -> None:
    async with open_agent(Settings(home=tmp_path)) as agent:
        await agent.store.index_pending()
        assert not gc.get_freeze_count()
        turn = await agent.say(Context(user_id="ada"), "first", "Hello.")
        await turn.finished()
        assert gc.get_freeze_count() > 50_000


def test_what_is_settled_is_not_counted_again(
    thawed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[None] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(None))
    monkeypatch.setattr(gc, "get_freeze_count", lambda: pytest.fail("counts every object"))
    for again in (False, False, True, True, False):
        settle(again=again)
    assert len(frozen) == 2
