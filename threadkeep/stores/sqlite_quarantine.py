"""Set aside the rows of an SQLite store that cannot be read."""

import aiosqlite
import orjson

from threadkeep.base.sqlite_file import transaction
from threadkeep.stores.namespaces import SECRET
from threadkeep.stores.quarantine import (
    DAMAGED,
    DamagedRow,
    is_readable,
    quarantine_key,
    quarantine_value,
)

ROWS = 2_000
SECRET_PREFIX, SECRET_KEY = ".".join(SECRET[0]), SECRET[1]
SELECT = (
    "SELECT rowid, CAST(prefix AS BLOB), CAST(key AS BLOB), CAST(value AS BLOB), "
    "datetime(created_at) IS NOT NULL AND datetime(updated_at) IS NOT NULL "
    f"FROM store WHERE rowid > ? ORDER BY rowid LIMIT {ROWS}"
)


async def quarantine_rows(conn: aiosqlite.Connection) -> int:
    """Move the rows that cannot be read to their own namespace; return their number.

    The caller holds the connection's lock.
    """
    rows = await _damaged_rows(conn)
    async with transaction(conn):
        for number, row in rows.items():
            value = orjson.dumps(quarantine_value(row))
            await conn.execute("DELETE FROM store WHERE rowid = ?", (number,))
            await conn.execute(
                "INSERT OR REPLACE INTO store (prefix, key, value) VALUES (?, ?, ?)",
                (".".join(DAMAGED), quarantine_key(row), value),
            )
    return len(rows)


async def _damaged_rows(conn: aiosqlite.Connection) -> dict[int, DamagedRow]:
    damaged: dict[int, DamagedRow] = {}
    after = -(2**62)
    while rows := list(await conn.execute_fetchall(SELECT, (after,))):
        for number, raw_prefix, raw_key, raw_value, is_dated in rows:
            after = int(number)
            prefix, is_text = _text(raw_prefix)
            key, is_key = _text(raw_key)
            if (prefix, key) == (SECRET_PREFIX, SECRET_KEY):
                continue  # Nothing goes on without it: whoever reads it says so.
            content = bytes(raw_value or b"")
            if not (is_text and is_key and is_dated and is_readable(prefix, content)):
                damaged[after] = (prefix, key, content)
    return damaged


def _text(raw: bytes | None) -> tuple[str, bool]:
    """Return a text column, and whether it is text."""
    try:
        return bytes(raw or b"").decode(), raw is not None
    except UnicodeDecodeError:
        return bytes(raw or b"").decode("latin-1"), False
