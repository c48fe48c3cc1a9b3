"""The memory indexes of the most recently active users, kept equal to the stored items."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from threadkeep.search.changes import Changes, ReadPosition
from threadkeep.search.memory_index import MemoryIndex

LOAD_TIMEOUT = 2.0
"""Seconds that a search waits for an index to be loaded."""
EAGER_ROWS = 20_000
"""Rows that load in about that time; loading a larger index starts `LOAD_DELAY` seconds later."""
LOAD_DELAY = 3.0
REFRESHED_OWNERS = 32
"""How many of the most recently active users are refreshed between their turns."""
MAX_ROWS_PER_OWNER = 200_000
"""A user with more is searched through the full-text index."""
MAX_ROWS = 400_000
"""Rows of all users, about 0.8 kB each; beyond it the least recently used index is evicted."""
MIN_ROWS_TO_REBUILD = 1_000
INLINE_CHANGES = 100
"""Up to so many new items are added on the event loop; more in a thread."""


class ChangeSource(Protocol):
    """Lists the changes of an owner's items."""

    async def changes(self, owner: str, since: ReadPosition) -> Changes:
        """Return what was added and deleted among an owner's items since a position."""

    async def count(self, owner: str) -> int:
        """Return how many items of the owner are searchable."""


class _Entry:
    def __init__(self) -> None:
        self.index = MemoryIndex()
        self.position = ReadPosition()
        self.lock = asyncio.Lock()
        self.loading: asyncio.Task[None] | None = None


class MemoryIndexes:
    """Memory indexes by owner. A search sees what other processes stored or deleted before it."""

    def __init__(self, source: ChangeSource) -> None:
        self._source = source
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._closing = threading.Event()

    @asynccontextmanager
    async def open_index(self, owner: str) -> AsyncIterator[MemoryIndex | None]:
        """Yield the owner's index, up to date and locked against changes.

        Yield None if it is too large, or not loaded within `LOAD_TIMEOUT` seconds: loading then
        continues in the background.
        """
        entry = self._entries.setdefault(owner, _Entry())
        self._entries.move_to_end(owner)
        if not await self._ensure_loaded(owner, entry):
            yield None
            return
        async with entry.lock:
            await self._refresh(owner, entry)
            self._evict_oldest()
            yield entry.index

    async def _ensure_loaded(self, owner: str, entry: _Entry) -> bool:
        if entry.position.item:
            return True
        rows = await self._source.count(owner)
        if rows > MAX_ROWS_PER_OWNER:
            return False
        # Loading a large index would slow down the answer, which cannot wait for it anyway.
        delay = LOAD_DELAY if rows > EAGER_ROWS else 0.0
        # Several searches may wait for the same task.
        loading = entry.loading = entry.loading or asyncio.create_task(
            self._load(owner, entry, delay)
        )
        await asyncio.wait([loading], timeout=0 if delay else LOAD_TIMEOUT)
        if not loading.done():
            return False
        if entry.loading is loading:
            entry.loading = None
        loading.result()
        return True

    async def _load(self, owner: str, entry: _Entry, delay: float) -> None:
        await asyncio.sleep(delay)
        async with entry.lock:
            await self._refresh(owner, entry)

    async def refresh(self) -> None:
        """Apply changes to the most recently used indexes, so that the next search need not."""
        for owner, entry in list(self._entries.items())[-REFRESHED_OWNERS:]:
            if entry.position.item:
                async with entry.lock:
                    await self._refresh(owner, entry)

    async def close(self) -> None:
        """Cancel the loading of indexes."""
        self._closing.set()
        if tasks := [entry.loading for entry in self._entries.values() if entry.loading]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def evict(self, owner: str) -> None:
        """Drop one owner's index; the next search loads it again."""
        self._entries.pop(owner, None)

    def clear(self) -> None:
        """Drop all indexes; the next searches load them again."""
        self._entries.clear()

    async def _refresh(self, owner: str, entry: _Entry) -> None:
        changes = await self._source.changes(owner, entry.position)
        index = entry.index
        mostly_dead = index.size > MIN_ROWS_TO_REBUILD and index.size > 2 * index.alive
        if changes.reset or mostly_dead:
            entry.index, entry.position = MemoryIndex(), ReadPosition()
            changes = await self._source.changes(owner, entry.position)
        if len(changes.added) > INLINE_CHANGES:
            # Splitting and stemming the words of 10,000 messages takes more than half a second.
            await asyncio.to_thread(_apply, entry.index, changes, self._closing)
        else:
            _apply(entry.index, changes, self._closing)
        if not self._closing.is_set():
            entry.position = changes.position

    def _evict_oldest(self) -> None:
        while len(self._entries) > 1 and self._total_rows() > MAX_ROWS:
            self._entries.popitem(last=False)

    def _total_rows(self) -> int:
        return sum(entry.index.size for entry in self._entries.values())


def _apply(index: MemoryIndex, changes: Changes, closing: threading.Event) -> None:
    """Apply changes to an index; stop soon after `closing` is set."""
    for number, prefix, value in changes.added:
        if closing.is_set():
            return
        index.add(number, prefix, value)
    for number in changes.deleted:
        index.remove(number)
    index.passages.norms()
