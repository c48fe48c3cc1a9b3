"""One turn at a time per thread, across tasks, processes and machines.

Whatever holds a thread lets go of it when its process dies: the operating system of a file lock,
PostgreSQL of an advisory lock when its connection ends, Redis of a key that is no longer renewed.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Protocol

from filelock import BaseFileLock, FileLock, Timeout

from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadBusy
from threadkeep.base.storage_errors import storage_errors

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05


class ThreadLock(Protocol):
    """A thread that is held."""

    def check(self) -> None:
        """Do nothing, or tell that the hold was lost.

        Raises:
            ThreadLost: somebody else may have the thread by now.
        """


class ThreadLocks(Protocol):
    """What holds threads."""

    def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AbstractAsyncContextManager[ThreadLock]:
        """Hold the thread for one turn; `name` is what a person calls it.

        Raises:
            ThreadBusy: somebody else held it for `wait` seconds.
        """

    async def discard(self, thread: str) -> None:
        """Leave nothing behind that says there was such a thread."""


@asynccontextmanager
async def open_locks(database: Database, folder: Path) -> AsyncIterator[ThreadLocks]:
    """Open what holds the threads of a database; the `folder` serves those of one machine.

    Raises:
        StorageFailed: the database cannot be reached.
    """
    with storage_errors(database):
        async with _opened(database, folder) as locks:
            yield locks


@asynccontextmanager
async def _opened(database: Database, folder: Path) -> AsyncIterator[ThreadLocks]:
    if database.kind == "postgres":
        from threadkeep.checkpoints.postgres_locks import PostgresLocks

        async with PostgresLocks(database) as locks:
            yield locks
    elif database.kind == "redis":
        from threadkeep.base.redis import open_client
        from threadkeep.checkpoints.redis_locks import RedisLocks

        async with open_client(database) as client:
            yield RedisLocks(client)
    else:
        yield FileLocks(folder)


class FileLocks:
    """Locks of the operating system: one file a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[ThreadLock]:
        """Hold the thread for one turn.

        Raises:
            ThreadBusy: somebody else held it for `wait` seconds.
        """
        path = self._path(thread)
        lock = FileLock(path, timeout=0, is_singleton=False, thread_local=False)
        began = monotonic()
        while True:
            if await _acquired(lock):
                if await asyncio.to_thread(_is_there, lock, path):
                    break
                # Discarded while it was waited for: whoever comes next makes it anew.
                await asyncio.to_thread(lock.release)
                continue
            if monotonic() - began >= wait:
                raise ThreadBusy(name, monotonic() - began)
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield self
        finally:
            await asyncio.shield(asyncio.to_thread(lock.release))

    def check(self) -> None:
        """Do nothing: a file lock is never lost."""

    async def discard(self, thread: str) -> None:
        """Delete the thread's file."""
        # A system that does not let go of a file that is open keeps a name without meaning.
        with suppress(OSError):
            await asyncio.to_thread(self._path(thread).unlink, missing_ok=True)

    def _path(self, thread: str) -> Path:
        return self._folder / f"{sha256(thread.encode()).hexdigest()[:32]}.lock"


def _is_there(lock: BaseFileLock, path: Path) -> bool:
    """Tell whether the file that is held is still the one of that name."""
    held = lock._context.lock_file_fd
    try:
        return held is None or os.path.samestat(os.fstat(held), path.stat())
    except FileNotFoundError:
        return False


async def _acquired(lock: FileLock) -> bool:
    """Tell whether the lock was free; whoever is cancelled meanwhile does not keep it."""
    trying = asyncio.ensure_future(asyncio.to_thread(lock.acquire))
    try:
        await asyncio.shield(trying)
    except Timeout:
        return False
    except asyncio.CancelledError:
        await asyncio.wait([trying])
        if not trying.exception():
            await asyncio.to_thread(lock.release)
        raise
    return True
