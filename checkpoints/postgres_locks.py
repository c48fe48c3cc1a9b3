"""Threads held by advisory locks of PostgreSQL, each on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from hashlib import sha256

from psycopg import Error
from psycopg.errors import LockNotAvailable

from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadBusy, ThreadLost
from threadkeep.base.postgres import Connection, open_connection
from threadkeep.checkpoints.locks import WAIT_SECONDS

SPARE = 2
"""Connections kept open between turns."""
AT_ONCE = 16
"""Threads that one process holds at once, each with a connection; more turns wait for a place."""
NOW_MILLISECONDS = 1
"""As good as no waiting; 0 would mean waiting for ever."""


class PostgresThreadLock:
    """A thread held by one connection, which is watched while the turn goes on."""

    def __init__(self, conn: Connection, name: str) -> None:
        self.conn = conn
        self._name = name
        self._watching = asyncio.create_task(self._watch())

    def check(self) -> None:
        """Tell whether the connection, and with it the lock, is gone.

        Raises:
            ThreadLost: it is.
        """
        if self._watching.done() or self.conn.closed:
            raise ThreadLost(self._name)

    async def stop(self) -> None:
        """Stop watching, so that the connection can be used again."""
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        """Wait for what never comes; it ends with an error when the connection does."""
        with suppress(Error):
            async for _ in self.conn.notifies():
                pass


class PostgresLocks:
    """Advisory locks: who waits is served in order, and who dies lets go."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spare: list[Connection] = []
        self._open: dict[Connection, AsyncExitStack] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def acquire(
        self, thread: str, name: str, *, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[PostgresThreadLock]:
        """Hold the thread for one turn.

        Raises:
            ThreadBusy: somebody else held it for `wait` seconds.
        """
        try:
            async with asyncio.timeout(max(wait, NOW_MILLISECONDS / 1000)):
                await self._places.acquire()
        except TimeoutError:
            raise ThreadBusy(name, wait) from None
        try:
            async with self._held(thread, name, wait) as hold:
                yield hold
        finally:
            self._places.release()

    @asynccontextmanager
    async def _held(self, thread: str, name: str, wait: float) -> AsyncIterator[PostgresThreadLock]:
        conn = await self._connection()
        key = int.from_bytes(sha256(thread.encode()).digest()[:8], signed=True)
        milliseconds = max(NOW_MILLISECONDS, int(wait * 1000))
        try:
            await conn.execute("SELECT set_config('lock_timeout', %s, false)", (str(milliseconds),))
            await conn.execute("SELECT pg_advisory_lock(%s)", (key,))
        except LockNotAvailable:
            await self._keep(conn)
            raise ThreadBusy(name, wait) from None
        except BaseException:
            # Whoever is cancelled while waiting may have got the lock: it goes with the connection.
            await self._close(conn)
            raise
        hold = PostgresThreadLock(conn, name)
        try:
            yield hold
        finally:
            await hold.stop()
            with suppress(Error):
                await conn.execute("SELECT pg_advisory_unlock(%s)", (key,))
            await self._keep(conn)

    async def discard(self, thread: str) -> None:
        """Do nothing: what was held leaves nothing behind."""

    async def __aenter__(self) -> "PostgresLocks":
        # At once, so that a server that cannot be reached is known before a turn begins.
        self._spare.append(await self._connection())
        return self

    async def __aexit__(self, *_: object) -> None:
        for conn in list(self._open):
            await self._close(conn)

    async def _connection(self) -> Connection:
        while self._spare:
            conn = self._spare.pop()
            try:
                await conn.execute("SELECT 1")
            except Error:
                await self._close(conn)  # The server restarted while it was idle.
                continue
            return conn
        stack = AsyncExitStack()
        conn = await stack.enter_async_context(open_connection(self._database))
        self._open[conn] = stack
        return conn

    async def _keep(self, conn: Connection) -> None:
        if conn.closed or len(self._spare) >= SPARE:
            await self._close(conn)
        else:
            self._spare.append(conn)

    async def _close(self, conn: Connection) -> None:
        if stack := self._open.pop(conn, None):
            with suppress(Error):
                await conn.close()
                await stack.aclose()
