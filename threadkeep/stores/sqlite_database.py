"""The SQLite file of checkpoints, items and words: opened, checked, set up."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiosqlite

from threadkeep.base.errors import StorageFailed
from threadkeep.base.sqlite_file import (
    APPLICATION_ID,
    prepare_sqlite_file,
    retry_while_busy,
    transaction,
)
from threadkeep.stores.namespaces import SECRET, new_secret
from threadkeep.stores.sqlite_items import SqliteItems
from threadkeep.stores.sqlite_schema import SCHEMA, UPGRADE
from threadkeep.stores.sqlite_texts import put_stored_texts

VERSION = 2
BUSY_MILLISECONDS = 10_000
REMEDY = "Move it away, or set THREADKEEP_HOME to another folder."


@asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[SqliteItems]:
    """Open the items, with a second connection for what reads and what stands beside them.

    Raises:
        StorageFailed: the file is no database, not ours, newer, or not to be written.
    """
    await asyncio.to_thread(prepare_sqlite_file, path)
    async with AsyncExitStack() as stack:
        try:
            writer = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            await _prepare(writer)
            await retry_while_busy(lambda: _check(writer, path))
            reader = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            items = SqliteItems(writer, reader)
            stack.push_async_callback(items.stop)
            await retry_while_busy(lambda: _set_up(items))
            await _prepare(reader)
            yield items
        except sqlite3.Error as error:
            raise StorageFailed(
                f"The database {str(path)!r} cannot be used ({error}). {REMEDY}"
            ) from error


async def _prepare(conn: aiosqlite.Connection) -> None:
    # Fetched to the end: a pragma's open cursor would hold an old snapshot of the file.
    await conn.execute_fetchall(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    # LangGraph replaces items with INSERT OR REPLACE, which runs delete triggers only so.
    await conn.execute_fetchall("PRAGMA recursive_triggers = ON")
    # FULL: what was acknowledged survives a power cut.
    await conn.execute_fetchall("PRAGMA synchronous = FULL")
    await conn.execute_fetchall("PRAGMA secure_delete = ON")


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
    if await _number(conn, "PRAGMA user_version") != VERSION:
        await conn.execute_fetchall("PRAGMA journal_mode = WAL")
        async with transaction(conn):
            # Another process may have done it meanwhile.
            if await _number(conn, "PRAGMA user_version") != VERSION:
                await _create_tables(conn, items.MIGRATIONS)
    await items.setup()


async def _create_tables(conn: aiosqlite.Connection, migrations: Sequence[str]) -> None:
    """Create the tables in the caller's transaction: all of it is there, or nothing."""
    await conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    await conn.execute("CREATE TABLE IF NOT EXISTS store_migrations (v INTEGER PRIMARY KEY)")
    newest = await _number(conn, "SELECT coalesce(max(v), -1) FROM store_migrations")
    for version, script in enumerate(migrations[newest + 1 :], start=newest + 1):
        # A start of an earlier version that was cut off has added the column without noting it.
        with _ignore_duplicate_column():
            await _run_script(conn, script)
        await conn.execute("INSERT INTO store_migrations (v) VALUES (?)", (version,))
    version = await _number(conn, "PRAGMA user_version")
    if version:
        with _ignore_duplicate_column():
            await conn.execute("ALTER TABLE indexed ADD COLUMN text TEXT")
    await _run_script(conn, SCHEMA)
    if version:
        for statement in UPGRADE:
            await conn.execute(statement)
        await put_stored_texts(conn)
    (namespace, key), value = SECRET, json.dumps(new_secret())
    await conn.execute(
        "INSERT OR IGNORE INTO store (prefix, key, value) VALUES (?, ?, ?)",
        (".".join(namespace), key, value),
    )
    await conn.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _ignore_duplicate_column() -> Iterator[None]:
    """Ignore that a column exists: SQLite has no ADD COLUMN IF NOT EXISTS."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "duplicate column name" not in str(error):
            raise


async def _run_script(conn: aiosqlite.Connection, script: str) -> None:
    """Run statements in the caller's transaction, which `executescript` would commit."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            await conn.execute(statement)
            statement = ""


async def _number(conn: aiosqlite.Connection, query: str) -> int:
    async with conn.execute(query) as cursor:
        row = await cursor.fetchone()
    return int(row[0]) if row else 0
