"""Remove every byte of deleted rows from an SQLite file."""

import asyncio

import aiosqlite

from threadkeep.base.sqlite_file import BUSY_TIMEOUT_SECONDS, POLL_SECONDS, execute_when_free


async def scrub_file(conn: aiosqlite.Connection, *, full_text: bool = False) -> bool:
    """Rewrite the file without deleted rows; return whether its write-ahead log is empty.

    With `full_text` the full-text index is merged first, which drops the words of deleted rows.
    The caller holds the connection's lock.
    """
    if full_text:
        # `secure_delete` is not enough: older index segments still list words of deleted rows.
        await execute_when_free(conn, "INSERT INTO words (words) VALUES ('optimize')")
    await execute_when_free(conn, "VACUUM")
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
