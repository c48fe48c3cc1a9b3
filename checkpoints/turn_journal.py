"""Which turns are under way: a note each, so that the next start finds what a crash left."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from langgraph.store.base import BaseStore

MOST = 1_000
"""Threads of one user that can be under way at once."""


class TurnJournal(Protocol):
    """Notes of turns under way."""

    async def begin(self, user: str, thread: str, name: str) -> bool:
        """Note that a turn begins; tell whether an earlier one was never finished."""

    async def finish(self, user: str, thread: str) -> None:
        """Note that the turn is finished."""

    async def unfinished(self, user: str) -> list[str]:
        """Return the names of this user's threads whose newest turn was not finished."""


class FileTurnJournal:
    """Small files: for the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def begin(self, user: str, thread: str, name: str) -> bool:
        """Note that a turn begins; tell whether an earlier one was never finished."""
        return await asyncio.to_thread(self._note, user, thread, name)

    async def finish(self, user: str, thread: str) -> None:
        """Note that the turn is finished."""
        await asyncio.to_thread(self._path(thread).unlink, missing_ok=True)

    async def unfinished(self, user: str) -> list[str]:
        """Return the names of this user's threads whose newest turn was not finished."""
        notes = await asyncio.to_thread(lambda: list(self._notes()))
        return sorted(name for owner, name in notes if owner == user)

    def _note(self, user: str, thread: str, name: str) -> bool:
        path = self._path(thread)
        left = path.exists()
        path.write_text(json.dumps({"user": user, "name": name}), encoding="utf-8")
        return left

    def _notes(self) -> Iterator[tuple[str, str]]:
        for path in self._folder.glob("*.open"):
            # A note that a crash cut in half, or that is gone by now, names nobody.
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                note = json.loads(path.read_text(encoding="utf-8"))
                yield str(note["user"]), str(note["name"])

    def _path(self, thread: str) -> Path:
        return self._folder / f"{sha256(thread.encode()).hexdigest()[:32]}.open"


class StoreTurnJournal:
    """Items in a store that several machines share; `namespace` says where a user's are."""

    def __init__(self, store: BaseStore, namespace: Callable[[str], tuple[str, ...]]) -> None:
        self._store = store
        self._namespace = namespace

    async def begin(self, user: str, thread: str, name: str) -> bool:
        """Note that a turn begins; tell whether an earlier one was never finished."""
        left = await self._store.aget(self._namespace(user), thread)
        if left is None:
            await self._store.aput(self._namespace(user), thread, {"name": name}, index=False)
        return left is not None

    async def finish(self, user: str, thread: str) -> None:
        """Note that the turn is finished."""
        await self._store.adelete(self._namespace(user), thread)

    async def unfinished(self, user: str) -> list[str]:
        """Return the names of this user's threads whose newest turn was not finished."""
        found = await self._store.asearch(self._namespace(user), limit=MOST)
        return sorted(str(item.value["name"]) for item in found)
