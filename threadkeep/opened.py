"""All that is open of one memory: store, saver, locks and settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from threadkeep.base.settings import Settings
from threadkeep.checkpoints.locks import ThreadLocks, open_locks
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import open_saver
from threadkeep.checkpoints.turn_journal import FileTurnJournal, StoreTurnJournal, TurnJournal
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.namespaces import open_turns_of

Progress = Callable[[str, int, int], None]
"""Called as work goes on: the step, how much of it is done, how much there is in all."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Store, saver and locks of one database, opened once.

    `store` and `inner_saver` serve every user; `saver` gives a thread only to its owner.
    """

    store: HybridStore
    saver: OwnedSaver
    inner_saver: BaseCheckpointSaver[Any]
    locks: ThreadLocks
    turn_journal: TurnJournal
    settings: Settings


def turn_journal_in(settings: Settings, store: HybridStore) -> TurnJournal:
    """Return the records of unfinished turns: files beside SQLite items, else items."""
    if settings.item_database.kind == "postgres":
        return StoreTurnJournal(store, open_turns_of)
    return FileTurnJournal(settings.locks)


@asynccontextmanager
async def open_opened(
    settings: Settings, store: HybridStore | None = None
) -> AsyncIterator[Opened]:
    """Open all of it; a store that is open already is not opened again.

    Raises:
        StorageFailed: a database cannot be used.
    """
    database = settings.checkpoint_database
    async with (
        nullcontext(store) if store else open_store(settings) as store,
        open_saver(database, ttl_minutes=settings.ttl_minutes) as inner_saver,
        open_locks(database, settings.locks) as locks,
    ):
        yield Opened(
            store=store,
            saver=OwnedSaver(inner_saver),
            inner_saver=inner_saver,
            locks=locks,
            turn_journal=turn_journal_in(settings, store),
            settings=settings,
        )
