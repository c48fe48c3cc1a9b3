"""Make vectors from the marks that each change leaves, behind whoever made it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from langgraph.store.base import BaseStore

from threadkeep.stores.items import Index
from threadkeep.stores.sqlite_index import SqliteIndex
from threadkeep.vectors.vector_index import VectorIndex

Row = TypeVar("Row", bound=tuple[Any, ...])
WORDS = "until they are done, search goes by words"
Progress = Callable[[int, int], None]
BATCH, OF_A_MODEL = 256, 32
"""Texts at once, and fewer where a model takes milliseconds for each: searches wait for a batch."""
REBUILT_AT_ONCE = 2_000
"""With so few pending items an erasure makes the vectors again at once."""
EMBEDDER: tuple[tuple[str, ...], str] = (("threadkeep",), "embedder")
"""Where it is kept which embeddings the vectors are of, and whether every item has had one."""
FORMERLY = {"identity": "static", "whole": True}
"""What holds where nothing is kept."""


class Indexing:
    """Keeps the vectors equal to the items."""

    def __init__(self, items: BaseStore, index: Index, vectors: VectorIndex) -> None:
        self.wanted = asyncio.Event()
        self.whole = False
        """Whether vectors may be searched: every item has had one of these embeddings."""
        self.notice = ""
        self._claimed = False
        self._items = items
        self._index = index
        self._vectors = vectors
        self._at_work = asyncio.Lock()

    async def look(self) -> str:
        """Find out, once Chroma is open, whether its vectors are of these embeddings.

        Return which ones they are of.
        """
        kept = await self._items.aget(*EMBEDDER)
        value = kept.value if kept else FORMERLY
        if self._vectors.available and value["identity"] == self._vectors.identity:
            self._claimed, self.whole = True, bool(value["whole"])
        return str(value["identity"])

    async def work_off(self, progress: Progress | None = None) -> None:
        """Make the vectors that are still to be made; `progress` gets (done, all)."""
        async with self._at_work, self._alone():
            await self._drop_outdated()
            if await self._ours():
                await self._work_off(progress)
                await self._note_whole()

    async def erase(self, owner: str) -> bool:
        """Delete all vectors of an owner; those of the items that stay are made again.

        Chroma's files keep deleted vectors, so that they are deleted as a whole. False if another
        process has to do it.
        """
        async with self._at_work, self._alone():
            # First: a kill after the deletion then only makes them be made later.
            await self._index.owner_pending(owner)
            is_erased = await self._vectors.erase(owner)
            if await self._index.count_pending() <= REBUILT_AT_ONCE and await self._ours():
                await self._work_off(None)
                await self._note_whole()
        self.wanted.set()
        return is_erased

    async def drop(self, names: Collection[str]) -> None:
        """Delete folders of vectors by name, to be made again in the background."""
        async with self._at_work, self._alone():
            await self._index.all_pending()
            for name in names:
                await self._vectors.erase_named(name)
        self.wanted.set()

    async def _drop_outdated(self) -> None:
        """Delete the vectors that were requested to be erased, or that cannot be used."""
        if not self._vectors.available:
            return
        for path, owner in await self._vectors.requests():
            await self._erase(owner)
            await self._vectors.erase_named(path.stem)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        for owner in self._vectors.take_broken():
            await self._erase(owner)
        if self._vectors.is_outdated:
            await self._index.all_pending()
            await self._index.all_dropped()
            await self._vectors.clear()

    async def _erase(self, owner: str) -> None:
        await self._index.owner_pending(owner)
        await self._vectors.erase(owner)

    async def begin_again(self, progress: Progress | None = None) -> None:
        """Make words and vectors again from the items."""
        async with self._at_work, self._alone():
            await self._index.rebuild()
            if self._vectors.available:
                await self._vectors.clear()
                await self._index.all_dropped()
                await self._claim()
            await self._work_off(progress)
            await self._note_whole()

    async def _ours(self) -> bool:
        """Tell whether the vectors are to be made with the embeddings of this process.

        A process whose embeddings are others takes over when it opens: every item then wants its
        vector again, and whoever had other ones stands back.
        """
        if not self._vectors.available:
            return False
        claimed = self._claimed
        identity = await self.look()
        if identity == self._vectors.identity:
            return True
        if claimed:
            self.whole = False
            self.notice = (
                f"Another process indexes with embeddings {identity!r}: here search goes by words."
            )
            return False
        # The marks come first: a kill between any two of these steps only makes them be done again.
        await self._index.all_pending()
        await self._vectors.clear()
        await self._claim()
        waiting = await self._index.count_pending()
        if waiting:
            name = self._vectors.identity.partition(" ")[0]
            self.notice = f"{waiting:,} items are indexed again with embeddings {name!r}: {WORDS}."
        return True

    async def _claim(self) -> None:
        value = {"identity": self._vectors.identity, "whole": False}
        if value["identity"] != FORMERLY["identity"] or await self._items.aget(*EMBEDDER):
            await self._items.aput(*EMBEDDER, value, index=False)
        self._claimed, self.whole = True, False

    async def _note_whole(self) -> None:
        """Note that every item has had its vector."""
        if self._vectors.available and not self.whole:
            if await self._items.aget(*EMBEDDER):
                value = {"identity": self._vectors.identity, "whole": True}
                await self._items.aput(*EMBEDDER, value, index=False)
            self.whole, self.notice = True, ""

    def _alone(self) -> AbstractAsyncContextManager[None]:
        """Hold back other processes that make vectors; embedded Chroma's lock does so by itself."""
        if isinstance(self._index, SqliteIndex) or not self._vectors.available:
            return contextlib.nullcontext()
        return self._index.hold()

    async def _work_off(self, progress: Progress | None) -> None:
        done, total = 0, 0
        size = BATCH if self._vectors.static else OF_A_MODEL
        while self._vectors.available and (batch := await self._index.pending(size)):
            if progress and not total:
                total = await self._index.count_pending()
            for owner, rows in _by_owner(batch).items():
                await self._vectors.put(owner, [row[0] for row in rows], [row[2] for row in rows])
            await self._index.made(row[0] for row in batch)
            done += len(batch)
            if progress:
                progress(done, max(done, total))
        await self._drop_gone()

    async def _drop_gone(self) -> None:
        while self._vectors.available and (gone := await self._index.gone(BATCH)):
            for owner, rows in _by_owner(gone).items():
                await self._vectors.delete(owner, [row[0] for row in rows])
            await self._index.dropped(row[0] for row in gone)


def _by_owner(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Group rows by their second column, the owner."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[1]].append(row)
    return grouped
