"""Leave no byte of what was deleted in an SQLite file."""

import asyncio
import sqlite3

import aiosqlite

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.05


async def scrub_file(conn: aiosqlite.Connection, *, words: bool = False) -> bool:
    """Write the file anew from what is left; tell whether the log beside it is empty by now.

    With `words` the full-text index is merged first, so that no segment knows a word that is gone.
    The caller holds the connection's own lock.
    """
    if words:
        # Zeros in the pages are not enough: an older segment names the words of deleted rows.
        await _patiently(conn, "INSERT INTO words (words) VALUES ('optimize')")
    await _patiently(conn, "VACUUM")
    return await truncate_log(conn)


async def truncate_log(conn: aiosqlite.Connection) -> bool:
    """Move the write-ahead log into the file and cut it to nothing; tell whether that went."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        rows = await conn.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        if not next(iter(rows))[0]:
            return True
        if loop.time() > deadline:
            return False  # Somebody reads an old state of the file all this time.
        await asyncio.sleep(POLL_SECONDS)


async def _patiently(conn: aiosqlite.Connection, statement: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            await conn.execute(statement)
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or loop.time() > deadline:
                raise
            await asyncio.sleep(POLL_SECONDS)
