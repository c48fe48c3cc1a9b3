"""Connections to PostgreSQL: one is tried first, so that what is wrong is said at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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
Pool = AsyncConnectionPool[Connection]

OLDEST = 130_000
"""PostgreSQL 13, as its own `server_version_num` writes it."""
CONNECT_SECONDS = 5
WAIT_SECONDS = 20
"""How long a call waits for one of the connections, when many want one at once."""
CONNECTIONS = 4
CHECK_AFTER_SECONDS = 1.0
"""A connection that worked so recently is not tried again before its next use."""
SETUP_LOCK = "hashtextextended('threadkeep setup of ' || current_schema(), 0)"
"""One process at a time sets up the tables of one schema."""
SETUP_POLL_SECONDS = 0.05
OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": 0,
    "row_factory": dict_row,
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "threadkeep",
}

_checked: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


@asynccontextmanager
async def open_connection(database: Database) -> AsyncIterator[Connection]:
    """Open one connection.

    Raises:
        StorageFailed: the server is too old.
        psycopg.Error: it cannot be reached, or refuses.
    """
    async with await AsyncConnection.connect(database.url, **OPTIONS) as conn:
        version = conn.info.server_version
        if version < OLDEST:
            raise StorageFailed(
                f"The server of {database} is PostgreSQL {version // 10_000}; "
                f"threadkeep needs {OLDEST // 10_000} or newer."
            )
        yield conn


@asynccontextmanager
async def open_pool(
    database: Database, configure: Callable[[Connection], Awaitable[None]] | None = None
) -> AsyncIterator[Pool]:
    """Open a few connections that are made again when the server restarts.

    Raises:
        StorageFailed: the server is too old.
        psycopg.Error: it cannot be reached, or refuses.
    """
    async with open_connection(database):
        pass
    pool: Pool = AsyncConnectionPool(
        database.url,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=WAIT_SECONDS,
        kwargs=OPTIONS,
        configure=configure,
        check=_check,
        open=False,
    )
    async with pool:
        yield pool


@asynccontextmanager
async def setup_lock(pool: Pool) -> AsyncIterator[None]:
    """Hold back other processes that set up the same database."""
    async with pool.connection() as conn:
        # Asked again and again: a statement that waits would be waited for in its turn by the
        # CREATE INDEX CONCURRENTLY of the process that sets up, on another connection, for ever.
        while not await _locked(conn):  # noqa: ASYNC110  (it is another process that lets go)
            await asyncio.sleep(SETUP_POLL_SECONDS)
        try:
            yield
        finally:
            await conn.execute(f"SELECT pg_advisory_unlock({SETUP_LOCK})")


async def _check(conn: Connection) -> None:
    """Raise for a connection that the server has closed, so that the pool takes another.

    A turn takes a connection some thirty times, and each check is a round trip.
    """
    if monotonic() - _checked.get(conn, 0.0) > CHECK_AFTER_SECONDS:
        await AsyncConnectionPool.check_connection(conn)
        _checked[conn] = monotonic()


async def _locked(conn: Connection) -> bool:
    cursor = await conn.execute(f"SELECT pg_try_advisory_lock({SETUP_LOCK}) AS locked")
    row = await cursor.fetchone()
    return bool(row and row["locked"])
