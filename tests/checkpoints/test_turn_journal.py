import pytest

from threadkeep.base.settings import Settings
from threadkeep.checkpoints.turn_journal import FileTurnJournal, StoreTurnJournal, TurnJournal
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import open_turns_of


@pytest.mark.parametrize("kind", ["files", "store"])
async def test_an_unfinished_turn_is_listed_for_its_owner_only(kind: str, home: Settings) -> None:
    async with open_store(home) as store:
        journal: TurnJournal = (
            FileTurnJournal(home.locks)
            if kind == "files"
            else StoreTurnJournal(store, open_turns_of)
        )
        assert not await journal.begin("ada", "t", "trip")
        assert await journal.unfinished("ada") == ["trip"]
        assert await journal.unfinished("bob") == []
        assert await journal.begin("ada", "t", "trip")
        await journal.finish("ada", "t")
        assert await journal.unfinished("ada") == []


async def test_a_damaged_record_is_skipped(home: Settings) -> None:
    (home.locks / "x.open").write_text('{"user": "ad')
    assert await FileTurnJournal(home.locks).unfinished("ada") == []
