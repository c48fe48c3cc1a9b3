"""Set aside the rows of a PostgreSQL store that have another shape; all of them are JSON."""

import orjson
from psycopg.types.json import Jsonb

from threadkeep.base.postgres import Pool
from threadkeep.stores.namespaces import SECRET
from threadkeep.stores.quarantine import DAMAGED, DamagedRow, quarantine_key, quarantine_value
from threadkeep.stores.record_shapes import is_intact

ROWS = 2_000
SECRET_PREFIX, SECRET_KEY = ".".join(SECRET[0]), SECRET[1]
SELECT = (
    "SELECT prefix, key, value FROM store WHERE (prefix, key) > (%s, %s) "
    f"ORDER BY prefix, key LIMIT {ROWS}"
)


async def quarantine_rows(pool: Pool) -> int:
    """Move the rows that cannot be read to their own namespace; return their number."""
    rows = await _damaged_rows(pool)
    async with pool.connection() as conn, conn.transaction():
        for row in rows:
            await conn.execute("DELETE FROM store WHERE prefix = %s AND key = %s", row[:2])
            await conn.execute(
                "INSERT INTO store (prefix, key, value) VALUES (%s, %s, %s) "
                "ON CONFLICT (prefix, key) DO UPDATE SET value = excluded.value",
                (".".join(DAMAGED), quarantine_key(row), Jsonb(quarantine_value(row))),
            )
    return len(rows)


async def _damaged_rows(pool: Pool) -> list[DamagedRow]:
    damaged: list[DamagedRow] = []
    prefix = key = ""
    async with pool.connection() as conn:
        while rows := await (await conn.execute(SELECT, (prefix, key))).fetchall():
            for row in rows:
                prefix, key = row["prefix"], row["key"]
                is_secret = (prefix, key) == (SECRET_PREFIX, SECRET_KEY)
                if not is_secret and not is_intact(prefix.split("."), row["value"]):
                    damaged.append((prefix, key, orjson.dumps(row["value"])))
    return damaged
