"""What a process works on: the store, the checkpoints, what holds threads, notes of open turns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from checkpoints.locks import Locks, open_locks
from checkpoints.open_turns import FileTurns, OpenTurns, StoreTurns
from checkpoints.owners import OwnedSaver
from checkpoints.savers import open_checkpointer
from graph.settings import Settings
from graph.storage_errors import storage_errors
from nodes.follow_branch import follow_updates
from stores.hybrid import HybridStore, open_store
from stores.namespaces import open_turns_of


@dataclass(frozen=True, kw_only=True)
class Databases:
    """Opened together, closed together."""

    store: HybridStore
    saver: OwnedSaver
    locks: Locks
    open_turns: OpenTurns


@asynccontextmanager
async def open_databases(settings: Settings) -> AsyncIterator[Databases]:
    """Open all of them.

    Raises:
        StorageFailed: the data folder or a database cannot be used.
    """
    database = settings.checkpoint_database
    with storage_errors(database):
        async with (
            open_store(settings) as store,
            open_checkpointer(
                database, ttl_minutes=settings.ttl_minutes, follow=follow_updates(store)
            ) as saver,
            open_locks(database, settings.locks) as locks,
        ):
            store.warm()
            # Files where one machine has the items, items where several may.
            shared = settings.item_database.kind == "postgres"
            turns = StoreTurns(store, open_turns_of) if shared else FileTurns(settings.locks)
            yield Databases(store=store, saver=saver, locks=locks, open_turns=turns)
