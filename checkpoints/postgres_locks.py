"""Thread locks on PostgreSQL: advisory locks, each on its own connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from hashlib import sha256

from psycopg import Error
from psycopg.errors import LockNotAvailable

from threadkeep.base.cancellation import cancel_and_wait, uninterrupted
from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadBusy, ThreadLost
from threadkeep.base.postgres import Connection, open_connection
from threadkeep.checkpoints.locks import WAIT_SECONDS

MAX_IDLE = 2
"""Connections that stay open between turns."""
MAX_LOCKS = 16
"""Locks that one process holds at once, one connection each; further turns wait."""
MIN_WAIT_MILLISECONDS = 1
"""Shortest lock timeout; PostgreSQL takes 0 as no timeout."""


class PostgresThreadLock:
    """An advisory lock, held by a connection that is watched during the turn."""

    def __init__(self, conn: Connection, name: str) -> None:
        self.conn = conn
        self._name = name
        self._watcher = asyncio.create_task(self._watch())

    def check(self) -> None:
        """Verify that the connection, and with it the lock, is still there.

        Raises:
            ThreadLost: the connection was closed.
        """
        if self._watcher.done() or self.conn.closed:
            raise ThreadLost(self._name)

    async def stop(self) -> None:
        """Stop watching, so that the connection can be used again."""
        await cancel_and_wait(self._watcher)

    async def _watch(self) -> None:
        """Wait for notifications; none are sent, and a closed connection ends the wait."""
        with suppress(Error):
            async for _ in self.conn.notifies():
                pass


class PostgresLocks:
    """Advisory locks: waiting turns are served in order, a dead process releases its locks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: list[Connection] = []
        self._open: dict[Connection, AsyncExitStack] = {}
        self._slots = asyncio.Semaphore(MAX_LOCKS)

    @asynccontextmanager
    async def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[PostgresThreadLock]:
        """Hold the lock of a thread.

        Raises:
            ThreadBusy: another turn held it for `wait` seconds, or no slot became free.
        """
        try:
            async with asyncio.timeout(max(wait, MIN_WAIT_MILLISECONDS / 1000)):
                await self._slots.acquire()
        except TimeoutError:
            raise ThreadBusy(name, wait) from None
        try:
            async with self._lock(thread, name, wait) as lock:
                yield lock
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _lock(self, thread: str, name: str, wait: float) -> AsyncIterator[PostgresThreadLock]:
        conn = await self._connection()
        key = int.from_bytes(sha256(thread.encode()).digest()[:8], signed=True)
        milliseconds = max(MIN_WAIT_MILLISECONDS, int(wait * 1000))
        try:
            await conn.execute("SELECT set_config('lock_timeout', %s, false)", (str(milliseconds),))
            await conn.execute("SELECT pg_advisory_lock(%s)", (key,))
        except LockNotAvailable:
            await uninterrupted(self._recycle(conn))
            raise ThreadBusy(name, wait) from None
        except BaseException:
            # A cancelled call may have acquired the lock: closing the connection releases it.
            await uninterrupted(self._close(conn))
            raise
        lock = PostgresThreadLock(conn, name)
        try:
            yield lock
        finally:
            await uninterrupted(self._release(lock, key))

    async def _release(self, lock: PostgresThreadLock, key: int) -> None:
        await lock.stop()
        try:
            await lock.conn.execute("SELECT pg_advisory_unlock(%s)", (key,))
        except Error:
            await self._close(lock.conn)
        else:
            await self._recycle(lock.conn)

    async def discard(self, thread: str) -> None:
        """Do nothing: a released advisory lock leaves no trace."""

    async def __aenter__(self) -> "PostgresLocks":
        # Connect at once, so that an unreachable server is reported before a turn begins.
        self._idle.append(await self._connection())
        return self

    async def __aexit__(self, *_: object) -> None:
        for conn in list(self._open):
            await self._close(conn)

    async def _connection(self) -> Connection:
        while self._idle:
            conn = self._idle.pop()
            try:
                await conn.execute("SELECT 1")
            except Error:
                await self._close(conn)  # The server was restarted meanwhile.
                continue
            except BaseException:
                await uninterrupted(self._close(conn))
                raise
            return conn
        stack = AsyncExitStack()
        conn = await stack.enter_async_context(open_connection(self._database))
        self._open[conn] = stack
        return conn

    async def _recycle(self, conn: Connection) -> None:
        if conn.closed or len(self._idle) >= MAX_IDLE:
            await self._close(conn)
        else:
            self._idle.append(conn)

    async def _close(self, conn: Connection) -> None:
        if stack := self._open.pop(conn, None):
            with suppress(Error):
                # First, since leaving the stack commits, which waits for the server.
                await conn.close()
            with suppress(Error):
                await stack.aclose()
