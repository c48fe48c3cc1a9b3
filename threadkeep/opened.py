"""All that is open of one memory: store, saver, locks and the turn journal, opened once."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.store.base import BaseStore

from threadkeep.base.clock import Clock
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.locks import ThreadLocks, open_locks
from threadkeep.checkpoints.owned import Follow, OwnedSaver
from threadkeep.checkpoints.savers import open_saver
from threadkeep.checkpoints.turn_journal import FileTurnJournal, StoreTurnJournal, TurnJournal
from threadkeep.stores.blobs import StoreBlobs
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

    @property
    def settings(self) -> Settings:
        """The settings it was opened with."""
        return self.store.dependencies.settings

    @property
    def clock(self) -> Clock:
        """The clock that messages, facts and receipts are dated by."""
        return self.store.dependencies.clock


@asynccontextmanager
async def open_all(
    settings: Settings,
    *,
    model: BaseChatModel | str | None = None,
    embeddings: Embeddings | None = None,
    clock: Clock | None = None,
    on_update: Callable[[BaseStore], Follow] | None = None,
    store: HybridStore | None = None,
) -> AsyncIterator[Opened]:
    """Open all of it; a store that is open already is not opened again.

    `on_update` makes what the saver calls after each change of a state from outside a run.

    Raises:
        StorageFailed: a database cannot be used.
    """
    database = settings.checkpoint_database
    new_store = open_store(settings, model=model, embeddings=embeddings, clock=clock)
    async with (
        nullcontext(store) if store else new_store as store,
        open_saver(database, ttl_minutes=settings.ttl_minutes) as inner_saver,
        open_locks(database, settings.locks) as locks,
    ):
        yield Opened(
            store=store,
            saver=OwnedSaver(
                inner_saver, on_update(store) if on_update else None, StoreBlobs(store)
            ),
            inner_saver=inner_saver,
            locks=locks,
            turn_journal=_turn_journal(settings, store),
        )


def _turn_journal(settings: Settings, store: HybridStore) -> TurnJournal:
    """Return the journal of turns under way: files beside SQLite items, else items."""
    if settings.item_database.kind == "postgres":
        return StoreTurnJournal(store, open_turns_of)
    return FileTurnJournal(settings.locks)
