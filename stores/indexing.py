"""Make vectors from the marks that each change leaves, behind whoever made it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from stores.items import Index
from stores.sqlite_index import SqliteIndex
from stores.vectors import Vectors, VectorsLost

Row = TypeVar("Row", bound=tuple[Any, ...])
Progress = Callable[[int, int], None]
BATCH = 256


class Indexing:
    """Keeps the vectors equal to the items."""

    def __init__(self, index: Index, vectors: Vectors) -> None:
        self.wanted = asyncio.Event()
        self._index = index
        self._vectors = vectors
        self._at_work = asyncio.Lock()

    async def work_off(self, progress: Progress | None = None) -> None:
        """Make the vectors that are still to be made; `progress` gets (done, all)."""
        async with self._at_work, self._alone():
            if self._vectors.available:
                # Before anything of a new life of the same owner is put.
                try:
                    await self._vectors.forget_marked()
                except VectorsLost:
                    await self._index.want_all()
            await self._work_off(progress)

    async def forget(self, owner: str, *, whole: bool) -> bool:
        """Leave no byte of the vectors of an owner's items that are gone, or of all with `whole`.

        False where another process has to do it.
        """
        async with self._at_work, self._alone():
            if not whole:
                await self._drop_gone()
            try:
                return await self._vectors.forget(owner, whole=whole)
            except VectorsLost:
                await self._index.want_all()
                return True

    async def begin_again(self, progress: Progress | None = None) -> None:
        """Make words and vectors again from the items."""
        async with self._at_work, self._alone():
            await self._index.rebuild()
            if self._vectors.available:
                await self._vectors.clear()
                await self._index.all_dropped()
            await self._work_off(progress)

    def _alone(self) -> AbstractAsyncContextManager[None]:
        """Hold back other processes that make vectors; embedded Chroma's lock does so by itself."""
        if isinstance(self._index, SqliteIndex) or not self._vectors.available:
            return contextlib.nullcontext()
        return self._index.hold()

    async def _work_off(self, progress: Progress | None) -> None:
        done, total = 0, 0
        while self._vectors.available and (batch := await self._index.pending(BATCH)):
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
