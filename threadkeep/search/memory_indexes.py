"""The indexes in memory of those users who were heard last, kept up with what is stored."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from threadkeep.search.changes import Changes, Mark
from threadkeep.search.memory_index import MemoryIndex

PATIENCE = 2.0
"""Seconds that a search waits for an index that is read for the first time."""
WAITED_FOR = 20_000
"""Rows that are read in about that time; a larger index is read `LATER` seconds after a search."""
LATER = 3.0
KEPT_UP = 32
"""So many of the users who were heard last are kept up to date between their turns."""
ROWS_OF_ONE = 200_000
"""A user with more is searched by the full-text index."""
ROWS = 400_000
"""Rows in memory in all, at about 0.8 kB each; past that the longest unused user goes."""


class Changing(Protocol):
    """What tells which items have come and gone."""

    async def changes(self, owner: str, since: Mark) -> Changes:
        """Return what has changed among an owner's items since they were last read."""

    async def count(self, owner: str) -> int:
        """Return how many items of the owner are searchable."""


class _Held:
    def __init__(self) -> None:
        self.index = MemoryIndex()
        self.mark = Mark()
        self.lock = asyncio.Lock()
        self.loading: asyncio.Task[None] | None = None


class MemoryIndexes:
    """Indexes by owner. What another process has stored or forgotten is in the next search."""

    def __init__(self, source: Changing) -> None:
        self._source = source
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._closing = threading.Event()

    @asynccontextmanager
    async def open_index(self, owner: str) -> AsyncIterator[MemoryIndex | None]:
        """Hold the owner's index as of now; nobody changes it meanwhile.

        None where it is too large, or not read within `PATIENCE` seconds: that goes on behind.
        """
        held = self._held.setdefault(owner, _Held())
        self._held.move_to_end(owner)
        if not await self._loaded(owner, held):
            yield None
            return
        async with held.lock:
            await self._refresh(owner, held)
            self._bound()
            yield held.index

    async def _loaded(self, owner: str, held: _Held) -> bool:
        if held.mark.item:
            return True
        rows = await self._source.count(owner)
        if rows > ROWS_OF_ONE:
            return False
        # What would not be there in time is not begun before the answer that it would slow down.
        later = LATER if rows > WAITED_FOR else 0.0
        # Several searches may wait for the same one.
        loading = held.loading = held.loading or asyncio.create_task(self._load(owner, held, later))
        await asyncio.wait([loading], timeout=0 if later else PATIENCE)
        if not loading.done():
            return False
        if held.loading is loading:
            held.loading = None
        loading.result()
        return True

    async def _load(self, owner: str, held: _Held, later: float) -> None:
        await asyncio.sleep(later)
        async with held.lock:
            await self._refresh(owner, held)

    async def keep_up(self) -> None:
        """Take in what has changed, so that the next search need not."""
        for owner, held in list(self._held.items())[-KEPT_UP:]:
            if held.mark.item:
                async with held.lock:
                    await self._refresh(owner, held)

    async def close(self) -> None:
        """Stop what is being read."""
        self._closing.set()
        if loading := [held.loading for held in self._held.values() if held.loading]:
            for each in loading:
                each.cancel()
            await asyncio.wait(loading)

    def forget(self, owner: str) -> None:
        """Forget one owner's index; it is read from the start when it is asked for again."""
        self._held.pop(owner, None)

    def clear(self) -> None:
        """Forget all; what is asked for next is read from the start."""
        self._held.clear()

    async def _refresh(self, owner: str, held: _Held) -> None:
        changes = await self._source.changes(owner, held.mark)
        worn = held.index.size > 1_000 and held.index.size > 2 * held.index.alive
        if changes.afresh or worn:
            held.index, held.mark = MemoryIndex(), Mark()
            changes = await self._source.changes(owner, held.mark)
        if len(changes.new) > 100:
            # Its words are cut and stemmed elsewhere: 10,000 messages take more than half a second.
            await asyncio.to_thread(_apply, held.index, changes, self._closing)
        else:
            _apply(held.index, changes, self._closing)
        if not self._closing.is_set():
            held.mark = changes.mark

    def _bound(self) -> None:
        while len(self._held) > 1 and sum(h.index.size for h in self._held.values()) > ROWS:
            self._held.popitem(last=False)


def _apply(index: MemoryIndex, changes: Changes, closing: threading.Event) -> None:
    """Take changes in; whoever closes all does not wait for a thread to come to its end."""
    for number, prefix, value in changes.new:
        if closing.is_set():
            return
        index.put(number, prefix, value)
    for number in changes.gone:
        index.drop(number)
    index.norms()
