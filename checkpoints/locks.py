"""Thread locks: one turn at a time per thread, across tasks, processes and machines.

A lock is released when its process dies: a file lock by the operating system, an advisory lock of
PostgreSQL when its connection ends, a key of Redis when it expires.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Protocol

from filelock import FileLock, Timeout

from threadkeep.base.cancellation import uninterrupted
from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadBusy
from threadkeep.base.private_files import FILE_MODE
from threadkeep.base.storage_errors import file_errors, storage_errors

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05


class ThreadLock(Protocol):
    """The acquired lock of one thread."""

    def check(self) -> None:
        """Verify that the lock is still held.

        Raises:
            ThreadLost: the lock was lost, and another turn may hold it.
        """


class ThreadLocks(Protocol):
    """The locks of all threads of one database."""

    def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AbstractAsyncContextManager[ThreadLock]:
        """Hold the lock of a thread; `name` is the thread's name in errors, `wait` in seconds.

        Raises:
            ThreadBusy: another turn held it for `wait` seconds.
        """

    async def discard(self, thread: str) -> None:
        """Delete what the lock of a deleted thread left in files or databases."""


@asynccontextmanager
async def open_locks(database: Database, folder: Path) -> AsyncIterator[ThreadLocks]:
    """Open the thread locks of a database; lock files in `folder` serve SQLite and memory.

    Raises:
        StorageFailed: the database cannot be reached.
    """
    with storage_errors(database):
        async with _open(database, folder) as locks:
            yield locks


@asynccontextmanager
async def _open(database: Database, folder: Path) -> AsyncIterator[ThreadLocks]:
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


class FileThreadLock:
    """A file lock, which cannot be lost while its process lives."""

    def check(self) -> None:
        """Do nothing."""


class FileLocks:
    """Locks of the operating system, one file per thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[FileThreadLock]:
        """Hold the lock of a thread.

        Raises:
            ThreadBusy: another turn held it for `wait` seconds.
            StorageFailed: the lock file cannot be written.
        """
        # FileLock opens the file anew in each attempt, and refuses one that `discard` has deleted.
        lock = FileLock(
            self._path(thread), timeout=0, is_singleton=False, thread_local=False, mode=FILE_MODE
        )
        start = monotonic()
        while True:
            with file_errors(self._folder):
                if await _try_acquire(lock):
                    break
            if monotonic() - start >= wait:
                raise ThreadBusy(name, monotonic() - start)
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield FileThreadLock()
        finally:
            await uninterrupted(asyncio.to_thread(lock.release))

    async def discard(self, thread: str) -> None:
        """Delete the lock file of a thread."""
        # Windows does not delete an open file: an empty file with a hashed name stays.
        with suppress(OSError):
            await asyncio.to_thread(self._path(thread).unlink, missing_ok=True)

    def _path(self, thread: str) -> Path:
        return self._folder / f"{sha256(thread.encode()).hexdigest()[:32]}.lock"


async def _try_acquire(lock: FileLock) -> bool:
    """Return whether the lock was free; a cancelled attempt does not keep it."""
    try:
        await uninterrupted(asyncio.to_thread(lock.acquire))
    except Timeout:
        return False
    except asyncio.CancelledError:
        await uninterrupted(asyncio.to_thread(lock.release))
        raise
    return True
