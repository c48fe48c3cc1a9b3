"""Where memory is, open in this process, for whoever forgets some of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from threadkeep.base.settings import Settings
from threadkeep.checkpoints.locks import ThreadLocks, open_locks
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.checkpoints.turn_journal import FileTurnJournal, StoreTurnJournal, TurnJournal
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.namespaces import open_turns_of

Progress = Callable[[str, int, int], None]
"""What is told of the work as it goes: the step, how much of it is done, how much it is in all."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """The store, the saver, the locks and the notes of open turns, all of one database."""

    store: HybridStore
    saver: OwnedSaver
    locks: ThreadLocks
    turn_journal: TurnJournal
    settings: Settings


def turn_journal_in(settings: Settings, store: HybridStore) -> TurnJournal:
    """Return the notes of open turns: files where one machine has the items, else items."""
    if settings.item_database.kind == "postgres":
        return StoreTurnJournal(store, open_turns_of)
    return FileTurnJournal(settings.locks)


@asynccontextmanager
async def open_home(settings: Settings, store: HybridStore | None = None) -> AsyncIterator[Home]:
    """Open all of it; a store that is open already is not opened twice.

    Raises:
        StorageFailed: a database cannot be used.
    """
    if store is None:
        async with open_store(settings) as opened, open_home(settings, opened) as home:
            yield home
        return
    database = settings.checkpoint_database
    async with (
        open_checkpointer(database, ttl_minutes=settings.ttl_minutes) as saver,
        open_locks(database, settings.locks) as locks,
    ):
        yield Home(
            store=store,
            saver=saver,
            locks=locks,
            turn_journal=turn_journal_in(settings, store),
            settings=settings,
        )
