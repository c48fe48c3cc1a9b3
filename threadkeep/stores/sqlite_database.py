"""The SQLite file of checkpoints, items and words: opened, checked, set up."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiosqlite

from threadkeep.base.errors import StorageFailed
from threadkeep.base.sqlite_file import APPLICATION_ID
from threadkeep.stores.namespaces import SECRET, new_secret
from threadkeep.stores.sqlite_items import SqliteItems
from threadkeep.stores.sqlite_schema import SCHEMA

VERSION = 1
BUSY_MILLISECONDS = 10_000
REMEDY = "Move it away, or set THREADKEEP_HOME to another folder."


@asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[SqliteItems]:
    """Open the items, with a second connection for what reads and what stands beside them.

    Raises:
        StorageFailed: the file is no database, not ours, newer, or not to be written.
    """
    async with AsyncExitStack() as stack:
        try:
            writer = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            await _prepare(writer)
            await _check(writer, path)
            reader = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            items = SqliteItems(writer, reader)
            stack.push_async_callback(items.stop)
            await _set_up(items)
            await _prepare(reader)
            yield items
        except sqlite3.Error as error:
            raise StorageFailed(
                f"The database {str(path)!r} cannot be used ({error}). {REMEDY}"
            ) from error


async def _prepare(conn: aiosqlite.Connection) -> None:
    await conn.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    # LangGraph replaces items with INSERT OR REPLACE, which runs delete triggers only so.
    await conn.execute("PRAGMA recursive_triggers = ON")
    # FULL: what was acknowledged survives a power cut.
    await conn.execute("PRAGMA synchronous = FULL")
    await conn.execute("PRAGMA secure_delete = ON")


async def _check(conn: aiosqlite.Connection, path: Path) -> None:
    """Refuse what is not ours, before anything is written to it."""
    application = await _number(conn, "PRAGMA application_id")
    version = await _number(conn, "PRAGMA user_version")
    tables = await _number(conn, "SELECT count(*) FROM sqlite_schema")
    if application != APPLICATION_ID and (tables or application or version):
        raise StorageFailed(f"The database {str(path)!r} belongs to another program. {REMEDY}")
    if version > VERSION:
        raise StorageFailed(
            f"The database {str(path)!r} has version {version}, this threadkeep knows up to "
            f"{VERSION}. Install a newer threadkeep, or set THREADKEEP_HOME to another folder."
        )


async def _set_up(items: SqliteItems) -> None:
    conn = items.conn
    if await _number(conn, "PRAGMA user_version") == VERSION:
        await items.setup()
        return
    await conn.execute("PRAGMA journal_mode = WAL")
    # First of all, so that a second process that starts right now knows whose file this is.
    await conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    await items.setup()
    await conn.executescript(SCHEMA)
    (namespace, key), value = SECRET, json.dumps(new_secret())
    # Whichever of two processes comes first makes the secret; the other takes it.
    await conn.execute(
        "INSERT OR IGNORE INTO store (prefix, key, value) VALUES (?, ?, ?)",
        (".".join(namespace), key, value),
    )
    await conn.execute(f"PRAGMA user_version = {VERSION}")


async def _number(conn: aiosqlite.Connection, query: str) -> int:
    async with conn.execute(query) as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0
