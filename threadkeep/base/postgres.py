"""Connections to PostgreSQL; the first one is opened at once, so that errors show early."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from threadkeep.base.database_url import Database
from threadkeep.base.errors import StorageFailed

Connection = AsyncConnection[DictRow]
MIN_VERSION = 130_000
"""PostgreSQL 13, as `server_version_num` writes it."""
CONNECT_SECONDS = 5
POOL_TIMEOUT_SECONDS = 20
"""How long a call waits for a free connection of the pool."""
MAX_CONNECTIONS = 4
CHECK_AFTER_SECONDS = 1.0
"""A connection that was checked more recently is used without another check."""
SETUP_LOCK = "hashtextextended('threadkeep setup of ' || current_schema(), 0)"
"""Advisory lock: one process at a time sets up the tables of a schema."""
SETUP_POLL_SECONDS = 0.05
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": 0,
    "row_factory": dict_row,
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "threadkeep",
}


class Pool(AsyncConnectionPool[Connection]):
    """A pool in which any number of calls wait for a connection that others use.

    Only the wait for the server itself ends after `POOL_TIMEOUT_SECONDS`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109  (psycopg's)
        """Return a connection; wait for as long as all of them are in use."""
        await self._free.acquire()
        try:
            return await super().getconn(timeout)
        except BaseException:
            self._free.release()
            raise

    async def putconn(self, conn: Connection) -> None:
        """Give a connection back."""
        try:
            await super().putconn(conn)
        finally:
            self._free.release()


_checked_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


@asynccontextmanager
async def open_connection(database: Database) -> AsyncIterator[Connection]:
    """Open one connection.

    Raises:
        StorageFailed: the server is too old.
        psycopg.Error: the server cannot be reached, or refuses the connection.
    """
    async with await AsyncConnection.connect(database.url, **OPTIONS) as conn:
        version = conn.info.server_version
        if version < MIN_VERSION:
            raise StorageFailed(
                f"The server of {database} is PostgreSQL {version // 10_000}; "
                f"threadkeep needs {MIN_VERSION // 10_000} or newer."
            )
        yield conn


@asynccontextmanager
async def open_pool(
    database: Database, configure: Callable[[Connection], Awaitable[None]] | None = None
) -> AsyncIterator[Pool]:
    """Open a small pool, which reconnects when the server restarts.

    Raises:
        StorageFailed: the server is too old.
        psycopg.Error: the server cannot be reached, or refuses the connection.
    """
    async with open_connection(database):
        pass
    pool = Pool(
        database.url,
        min_size=1,
        max_size=MAX_CONNECTIONS,
        timeout=POOL_TIMEOUT_SECONDS,
        kwargs=OPTIONS,
        configure=configure,
        check=_check,
        open=False,
    )
    async with pool:
        yield pool


@asynccontextmanager
async def setup_lock(pool: Pool) -> AsyncIterator[None]:
    """Make other processes wait that set up the same schema."""
    async with pool.connection() as conn:
        # Poll instead of waiting in one statement: the CREATE INDEX CONCURRENTLY of the process
        # that holds the lock waits for all older statements, so both would wait for ever.
        while not await _try_setup_lock(conn):  # noqa: ASYNC110  (another process releases it)
            await asyncio.sleep(SETUP_POLL_SECONDS)
        try:
            yield
        finally:
            await conn.execute(f"SELECT pg_advisory_unlock({SETUP_LOCK})")


async def migrate(conn: Connection, table: str, migrations: Sequence[str]) -> None:
    """Apply LangGraph's migrations that `table` does not name, in the caller's transaction.

    LangGraph commits them one by one, so that a start that is cut off leaves half of the tables.
    """
    await conn.execute(f"CREATE TABLE IF NOT EXISTS {table} (v INTEGER PRIMARY KEY)")
    row = await (await conn.execute(f"SELECT max(v) AS version FROM {table}")).fetchone()  # noqa: S608
    newest = -1 if row is None or row["version"] is None else int(row["version"])
    if newest + 1 >= len(migrations):
        return
    await _drop_invalid_indexes(conn)
    for version, statement in enumerate(migrations[newest + 1 :], start=newest + 1):
        await conn.execute(statement.replace(" CONCURRENTLY", ""), prepare=False)
        await conn.execute(f"INSERT INTO {table} (v) VALUES (%s)", (version,))  # noqa: S608


async def _drop_invalid_indexes(conn: Connection) -> None:
    """Drop what a CREATE INDEX CONCURRENTLY left that was cut off; IF NOT EXISTS would keep it."""
    cursor = await conn.execute(
        "SELECT indexrelid::regclass::text AS name FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indexrelid "
        "WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
    )
    for row in await cursor.fetchall():
        await conn.execute(f"DROP INDEX IF EXISTS {row['name']}")


async def _check(conn: Connection) -> None:
    """Raise if the server closed the connection, so that the pool opens another.

    A turn takes a connection about thirty times, and each check is a round trip: skip recent ones.
    """
    if monotonic() - _checked_at.get(conn, 0.0) > CHECK_AFTER_SECONDS:
        await AsyncConnectionPool.check_connection(conn)
        _checked_at[conn] = monotonic()


async def _try_setup_lock(conn: Connection) -> bool:
    cursor = await conn.execute(f"SELECT pg_try_advisory_lock({SETUP_LOCK}) AS locked")
    row = await cursor.fetchone()
    return bool(row and row["locked"])
