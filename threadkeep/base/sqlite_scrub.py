"""Remove every byte of deleted rows from an SQLite file."""

import asyncio
import sqlite3

import aiosqlite

BUSY_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.05


async def scrub_file(conn: aiosqlite.Connection, *, full_text: bool = False) -> bool:
    """Rewrite the file without deleted rows; return whether its write-ahead log is empty.

    With `full_text` the full-text index is merged first, which drops the words of deleted rows.
    The caller holds the connection's lock.
    """
    if full_text:
        # `secure_delete` is not enough: older index segments still list words of deleted rows.
        await _retry_while_busy(conn, "INSERT INTO words (words) VALUES ('optimize')")
    await _retry_while_busy(conn, "VACUUM")
    return await truncate_log(conn)


async def truncate_log(conn: aiosqlite.Connection) -> bool:
    """Checkpoint and truncate the write-ahead log; return whether that succeeded."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_TIMEOUT_SECONDS
    while True:
        rows = await conn.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        if not next(iter(rows))[0]:
            return True
        if loop.time() > deadline:
            return False  # A reader still uses an old snapshot of the file.
        await asyncio.sleep(POLL_SECONDS)


async def _retry_while_busy(conn: aiosqlite.Connection, statement: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            await conn.execute(statement)
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or loop.time() > deadline:
                raise
            await asyncio.sleep(POLL_SECONDS)
