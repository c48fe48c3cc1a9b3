from dataclasses import replace

import pytest

from threadkeep.base.settings import Settings
from threadkeep.checkpoints.turn_journal import (
    FileTurnJournal,
    StoreTurnJournal,
    TurnJournal,
    TurnRecord,
)
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import open_turns_of

OPEN = TurnRecord(owner="ada", thread="t", name="trip", text="Hello")


@pytest.mark.parametrize("kind", ["files", "store"])
async def test_a_record_is_listed_for_its_owner_and_replaced_as_a_whole(
    kind: str, home: Settings
) -> None:
    async with open_store(home) as store:
        journal: TurnJournal = (
            FileTurnJournal(home.locks)
            if kind == "files"
            else StoreTurnJournal(store, open_turns_of)
        )
        assert await journal.read("ada", "t") is None
        await journal.write(OPEN)
        assert await journal.read("ada", "t") == OPEN
        assert await journal.records("ada") == await journal.records() == [OPEN]
        assert await journal.records("bob") == []
        failed = replace(OPEN, status="failed", refused=True, reason="No.", set_aside=("One",))
        await journal.write(failed)
        assert await journal.records() == [failed]
        await journal.delete("ada", "t")
        assert await journal.records("ada") == []


async def test_a_damaged_record_is_skipped(home: Settings) -> None:
    for name, text in {"a": '{"user": "ad', "b": "[]", "c": '{"user": "ada"}'}.items():
        (home.locks / f"{name}.open").write_text(text)
    assert await FileTurnJournal(home.locks).records("ada") == []


async def test_a_record_of_an_older_version_is_an_open_turn(home: Settings) -> None:
    (home.locks / "a.open").write_text('{"user": "ada", "name": "trip"}')
    (record,) = await FileTurnJournal(home.locks).records("ada")
    assert (record.name, record.status, record.unanswered) == ("trip", "open", [])


def test_the_sentence_names_the_thread_quoted_for_a_shell() -> None:
    failed = replace(OPEN, name="my trip", status="failed", reason="The key was refused.")
    assert failed.sentence == (
        "A message in thread 'my trip' got no answer (The key was refused); threadkeep threads "
        "retry 'my trip' sends it again, threadkeep threads discard 'my trip' drops it."
    )
