"""Journal of turns under way, so that the next start finds the turns that a crash interrupted."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from langgraph.store.base import BaseStore

MAX_RECORDS = 1_000
"""Turns of one owner that can be under way at once."""


class TurnJournal(Protocol):
    """Records of turns under way."""

    async def begin(self, owner: str, thread: str, name: str) -> bool:
        """Record that a turn begins; return whether the previous one is unfinished."""

    async def finish(self, owner: str, thread: str) -> None:
        """Delete the record of the thread's turn."""

    async def unfinished(self, owner: str) -> list[str]:
        """Return the names of the owner's threads whose newest turn is unfinished."""


class FileTurnJournal:
    """Small files, for the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def begin(self, owner: str, thread: str, name: str) -> bool:
        """Record that a turn begins; return whether the previous one is unfinished."""
        return await asyncio.to_thread(self._begin, owner, thread, name)

    async def finish(self, owner: str, thread: str) -> None:
        """Delete the record of the thread's turn."""
        await asyncio.to_thread(self._path(thread).unlink, missing_ok=True)

    async def unfinished(self, owner: str) -> list[str]:
        """Return the names of the owner's threads whose newest turn is unfinished."""
        records = await asyncio.to_thread(lambda: list(self._records()))
        return sorted(name for record_owner, name in records if record_owner == owner)

    def _begin(self, owner: str, thread: str, name: str) -> bool:
        path = self._path(thread)
        unfinished = path.exists()
        path.write_text(json.dumps({"user": owner, "name": name}), encoding="utf-8")
        return unfinished

    def _records(self) -> Iterator[tuple[str, str]]:
        for path in self._folder.glob("*.open"):
            # Skip a record that a crash cut off, or that was deleted meanwhile.
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                record = json.loads(path.read_text(encoding="utf-8"))
                yield str(record["user"]), str(record["name"])

    def _path(self, thread: str) -> Path:
        return self._folder / f"{sha256(thread.encode()).hexdigest()[:32]}.open"


class StoreTurnJournal:
    """Items of a store that several machines share; `namespace` maps an owner to a namespace."""

    def __init__(self, store: BaseStore, namespace: Callable[[str], tuple[str, ...]]) -> None:
        self._store = store
        self._namespace = namespace

    async def begin(self, owner: str, thread: str, name: str) -> bool:
        """Record that a turn begins; return whether the previous one is unfinished."""
        item = await self._store.aget(self._namespace(owner), thread)
        if item is None:
            await self._store.aput(self._namespace(owner), thread, {"name": name}, index=False)
        return item is not None

    async def finish(self, owner: str, thread: str) -> None:
        """Delete the record of the thread's turn."""
        await self._store.adelete(self._namespace(owner), thread)

    async def unfinished(self, owner: str) -> list[str]:
        """Return the names of the owner's threads whose newest turn is unfinished."""
        items = await self._store.asearch(self._namespace(owner), limit=MAX_RECORDS)
        return sorted(str(item.value["name"]) for item in items)
