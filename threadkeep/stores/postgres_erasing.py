"""Erasure of items on PostgreSQL."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from langgraph.store.postgres.aio import AsyncPostgresStore
from psycopg.types.json import Jsonb

from threadkeep.base.postgres import Pool
from threadkeep.stores.tombstones import TOMBSTONES

ROWS = 2_000
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('threadkeep forgets ' || %s, 0))"
BELOW = "({0} = %(owner)s OR starts_with({0}, %(owner)s || '.'))"


class PostgresErasing(AsyncPostgresStore):
    """Deletes a user's items with their index rows."""

    pool: Pool

    async def put_tombstones(
        self, owner: str, marks: Sequence[str], value: Mapping[str, Any] | None
    ) -> None:
        """Put tombstones, or delete them if the value is None."""
        prefix = ".".join(TOMBSTONES)
        async with self.pool.connection() as conn, conn.transaction():
            # Writers hold it too: afterwards their items exist and are deleted.
            await conn.execute(LOCK, (owner,))
            await conn.execute(
                "DELETE FROM store WHERE prefix = %s AND key = ANY(%s)", (prefix, list(marks))
            )
            if value is not None:
                await conn.execute(
                    "INSERT INTO store (prefix, key, value) SELECT %s, unnest(%s::text[]), %s",
                    (prefix, list(marks), Jsonb(dict(value))),
                )

    async def erase_owner(self, owner: str) -> dict[str, int]:
        """Delete everything below a user's key in one step; return the items by label."""
        parameters = {"owner": owner}
        async with self.pool.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "SELECT split_part(prefix, '.', 2) AS label, count(*) AS number FROM store "
                f"WHERE {BELOW.format('prefix')} GROUP BY 1",
                parameters,
            )
            counts: Counter[str] = Counter()
            for row in await cursor.fetchall():
                counts[row["label"]] += int(row["number"])
            word_cursor = await conn.execute(
                f"SELECT count(*) AS n FROM indexed WHERE {BELOW.format('prefix')}", parameters
            )
            word_row = await word_cursor.fetchone()
            await conn.execute(f"DELETE FROM store WHERE {BELOW.format('prefix')}", parameters)
            owner_id = "(SELECT id FROM owners WHERE name = %(owner)s)"
            await conn.execute(f"DELETE FROM gone WHERE owner = {owner_id}", parameters)
            await conn.execute("DELETE FROM owners WHERE name = %(owner)s", parameters)
        return {**counts, "words": int(word_row["n"]) if word_row else 0}

    async def drop_spaces(self, owner: str) -> None:
        """Do nothing: only users have a number here."""

    async def texts_beside(self, owner: str, labels: Sequence[str] = ()) -> AsyncIterator[bytes]:
        """Yield all that is kept of others, and below `owner` what has one of the labels.

        Pictures and files are left out.
        """
        prefixes = [f"{owner}.{label}" for label in labels]
        prefix = key = ""
        while True:
            async with self.pool.connection() as conn:
                cursor = await conn.execute(
                    "SELECT prefix, key, value::text AS value FROM store "
                    "WHERE (prefix, key) > (%s, %s) AND right(prefix, 6) <> '.blobs' "
                    "ORDER BY prefix, key LIMIT %s",
                    (prefix, key, ROWS),
                )
                rows = await cursor.fetchall()
            for row in rows:
                prefix, key = row["prefix"], row["key"]
                own = f"{prefix}.".startswith(f"{owner}.")
                if not own or any(f"{prefix}.".startswith(f"{label}.") for label in prefixes):
                    yield f"{prefix}\n{key}\n{row['value']}".encode("utf-8", "replace")
            if len(rows) < ROWS:
                return

    async def scrub(self) -> bool:
        """Do nothing: the server's files are the server's."""
        return True

    async def empty_log(self) -> bool:
        """Do nothing, as `scrub`."""
        return True
