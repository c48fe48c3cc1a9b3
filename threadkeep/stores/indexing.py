"""Make vectors of pending index entries, in the background."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from langgraph.store.base import BaseStore

from threadkeep.stores.items import Index
from threadkeep.stores.namespaces import INTERNAL, Namespace
from threadkeep.stores.sqlite_index import SqliteIndex
from threadkeep.vectors.vector_index import BrokenVectors, VectorIndex

log = logging.getLogger(__name__)

Row = TypeVar("Row", bound=tuple[Any, ...])
WORDS = "until they are done, search goes by words"
Progress = Callable[[int, int], None]
BATCH, MODEL_BATCH = 256, 32
"""Texts in one batch; fewer for a model that takes milliseconds each, since searches wait."""
EMBEDDER: tuple[Namespace, str] = ((INTERNAL,), "embedder")
"""The item that names the embeddings of the vectors, and says whether all are made."""
DEFAULT_EMBEDDER = {"identity": "static", "whole": True}
"""The value where there is no such item."""


class Indexing:
    """Keeps the vectors equal to the items."""

    def __init__(self, items: BaseStore, index: Index, vectors: VectorIndex) -> None:
        self.wakeup = asyncio.Event()
        self.complete = False
        """Whether vectors may be searched: every item has one of these embeddings."""
        self.notice = ""
        self._claimed = False
        self._items = items
        self._index = index
        self._vectors = vectors
        self._lock = asyncio.Lock()
        self._paused = False
        """Whether the next process makes all vectors."""

    async def read_identity(self) -> str:
        """Return the embeddings that the vectors are of, once Chroma is open."""
        item = await self._items.aget(*EMBEDDER)
        value = item.value if item else DEFAULT_EMBEDDER
        if self._vectors.available and value["identity"] == self._vectors.identity:
            self._claimed, self.complete = True, bool(value["whole"])
        return str(value["identity"])

    async def index_pending(self, progress: Progress | None = None) -> None:
        """Make the pending vectors; `progress` gets (done, all)."""
        async with self._lock, self._exclusive():
            try:
                await self._index_all(progress)
            except BrokenVectors as error:
                # They are made again from the items.
                log.warning("%s", error)
                await self._index_all(progress)

    async def _index_all(self, progress: Progress | None) -> None:
        await self._drop_outdated()
        if not self._paused and await self._is_current():
            await self._index_pending(progress)
            await self._mark_complete()

    async def erase(self, owner: str) -> bool:
        """Delete all vectors of an owner; those of the items that stay are made again.

        Chroma's files keep deleted vectors, so all are deleted. Chroma also writes out memory that
        it has not filled, into the folder of any owner: embedded static vectors, which few searches
        need, are deleted for all owners, and made again by the next process, which never held the
        erased texts. False if another process has to do it.
        """
        async with self._lock, self._exclusive():
            # First: a kill after the deletion then only makes them be made later.
            await self._index.mark_owner_pending(owner)
            is_erased = await self._vectors.erase(owner)
            if self._vectors.available and self._can_wait:
                self._paused = True
                await self._clear()
        self.wakeup.set()
        return is_erased

    async def drop(self, names: Collection[str]) -> None:
        """Delete folders of vectors by name, to be made again in the background."""
        async with self._lock, self._exclusive():
            await self._index.mark_all_pending()
            for name in names:
                await self._vectors.erase_named(name)
        self.wakeup.set()

    async def _clear(self) -> None:
        """Delete all vectors, to be made again."""
        await self._index.mark_all_pending()
        await self._index.clear_deleted()
        await self._vectors.clear()

    @property
    def _can_wait(self) -> bool:
        """Whether vectors can wait for a process that never held the erased texts."""
        return self._vectors.static and self._vectors.server is None

    async def _drop_outdated(self) -> None:
        """Delete the vectors that were requested to be erased, or that cannot be used."""
        if not self._vectors.available:
            return
        for path, owner in await self._vectors.requests():
            if owner:
                await self._erase(owner)
            await self._vectors.erase_named(path.stem)
            if self._can_wait:
                self._paused = True
                await self._clear()
            await asyncio.to_thread(path.unlink, missing_ok=True)
        for owner in self._vectors.take_broken():
            await self._erase(owner)
        if self._vectors.is_outdated:
            await self._clear()

    async def _erase(self, owner: str) -> None:
        await self._index.mark_owner_pending(owner)
        await self._vectors.erase(owner)

    async def rebuild(self, progress: Progress | None = None) -> None:
        """Rebuild words and vectors from the items."""
        async with self._lock, self._exclusive():
            await self._index.rebuild()
            if self._vectors.available:
                await self._vectors.clear()
                await self._index.clear_deleted()
                await self._claim()
            await self._index_pending(progress)
            await self._mark_complete()

    async def _is_current(self) -> bool:
        """Return whether this process makes the vectors, with its embeddings.

        A process with other embeddings takes over when it opens: every item is then pending again,
        and processes with the embeddings before stop indexing.
        """
        if not self._vectors.available:
            return False
        claimed = self._claimed
        identity = await self.read_identity()
        if identity == self._vectors.identity:
            return True
        if claimed:
            self.complete = False
            self.notice = (
                f"Another process indexes with embeddings {identity!r}: here search goes by words."
            )
            return False
        # Pending first: a kill between two of these steps only makes them be done again.
        await self._index.mark_all_pending()
        await self._vectors.clear()
        await self._claim()
        pending_count = await self._index.count_pending()
        if pending_count:
            name = self._vectors.identity.partition(" ")[0]
            self.notice = (
                f"{pending_count:,} items are indexed again with embeddings {name!r}: {WORDS}."
            )
        return True

    async def _claim(self) -> None:
        value = {"identity": self._vectors.identity, "whole": False}
        if value["identity"] != DEFAULT_EMBEDDER["identity"] or await self._items.aget(*EMBEDDER):
            await self._items.aput(*EMBEDDER, value, index=False)
        self._claimed, self.complete = True, False

    async def _mark_complete(self) -> None:
        """Store that every item has its vector."""
        if self._vectors.available and not self.complete:
            if await self._items.aget(*EMBEDDER):
                value = {"identity": self._vectors.identity, "whole": True}
                await self._items.aput(*EMBEDDER, value, index=False)
            self.complete, self.notice = True, ""

    def _exclusive(self) -> AbstractAsyncContextManager[None]:
        """Keep other processes from making vectors; embedded Chroma's lock does so by itself."""
        if isinstance(self._index, SqliteIndex) or not self._vectors.available:
            return contextlib.nullcontext()
        return self._index.hold()

    async def _index_pending(self, progress: Progress | None) -> None:
        count, total = 0, 0
        size = BATCH if self._vectors.static else MODEL_BATCH
        while self._vectors.available and (batch := await self._index.pending(size)):
            if progress and not total:
                total = await self._index.count_pending()
            for owner, rows in _by_owner(batch).items():
                await self._vectors.put(owner, [row[0] for row in rows], [row[2] for row in rows])
            await self._index.mark_indexed(row[0] for row in batch)
            count += len(batch)
            if progress:
                progress(count, max(count, total))
        await self._drop_deleted()

    async def _drop_deleted(self) -> None:
        while self._vectors.available and (deleted := await self._index.deleted(BATCH)):
            for owner, rows in _by_owner(deleted).items():
                await self._vectors.delete(owner, [row[0] for row in rows])
            await self._index.mark_deleted(row[0] for row in deleted)


def _by_owner(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by their second column, the owner."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[1]].append(row)
    return grouped
