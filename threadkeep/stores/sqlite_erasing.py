"""Erasure of items on SQLite."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiosqlite
from langgraph.store.base import PutOp
from langgraph.store.sqlite.aio import AsyncSqliteStore

from threadkeep.base.sqlite_scrub import scrub_file, truncate_log
from threadkeep.stores.tombstones import TOMBSTONES

ROWS = 2_000
BELOW = "({0} = ?1 OR ({0} >= ?1 || '.' AND {0} < ?1 || '/'))"


class SqliteErasing(AsyncSqliteStore):
    """Deletes a user's items with their index rows, and every byte of them."""

    reader: aiosqlite.Connection

    async def put_tombstones(
        self, owner: str, marks: Sequence[str], value: Mapping[str, Any] | None
    ) -> None:
        """Put tombstones, or delete them if the value is None."""
        new_value = None if value is None else dict(value)
        await self.abatch([PutOp(TOMBSTONES, mark, new_value, index=False) for mark in marks])

    async def erase_owner(self, owner: str) -> dict[str, int]:
        """Delete everything below a user's key in one step; return the items by label."""
        async with self.lock:
            await self.conn.execute("BEGIN IMMEDIATE")
            try:
                counts = await self._counts(owner)
                # Their words and marks go with them, by triggers.
                await self.conn.execute(
                    f"DELETE FROM store WHERE {BELOW.format('prefix')}", (owner,)
                )
                await self.conn.execute(
                    "DELETE FROM gone WHERE owner = (SELECT id FROM spaces WHERE name = ?)",
                    (owner,),
                )
                await self.conn.execute(
                    f"DELETE FROM spaces WHERE {BELOW.format('name')}", (owner,)
                )
                await self.conn.execute("COMMIT")
            except BaseException:
                await self.conn.execute("ROLLBACK")
                raise
        return counts

    async def drop_spaces(self, owner: str) -> None:
        """Forget the names of a user's namespaces in which nothing is searched any more."""
        async with self.lock:
            await self.conn.execute(
                "DELETE FROM spaces WHERE name >= ?1 || '.' AND name < ?1 || '/' AND NOT EXISTS ("
                "SELECT 1 FROM indexed AS i WHERE i.prefix = spaces.name "
                "OR (i.prefix >= spaces.name || '.' AND i.prefix < spaces.name || '/'))",
                (owner,),
            )

    async def texts_beside(self, owner: str, labels: Sequence[str] = ()) -> AsyncIterator[bytes]:
        """Yield all that is kept of others, and below `owner` what has one of the labels.

        Pictures and files are left out.
        """
        prefixes = [f"{owner}.{label}" for label in labels]
        after = 0
        while True:
            rows = list(
                await self.reader.execute_fetchall(
                    "SELECT rowid, CAST(prefix || char(10) || key || char(10) || value AS BLOB), "
                    f"prefix, {BELOW.format('prefix')} FROM store WHERE rowid > ?2 "
                    f"AND prefix NOT GLOB '*.blobs' ORDER BY rowid LIMIT {ROWS}",
                    (owner, after),
                )
            )
            for number, text, prefix, own in rows:
                after = int(number)
                if not own or any(f"{prefix}.".startswith(f"{label}.") for label in prefixes):
                    yield bytes(text)
            if len(rows) < ROWS:
                break
        for (sql,) in await self.reader.execute_fetchall("SELECT sql FROM sqlite_schema"):
            yield str(sql).encode()

    async def scrub(self) -> bool:
        """Leave no byte of what was deleted; tell whether the write-ahead log is empty too."""
        async with self.lock:
            return await scrub_file(self.conn, full_text=True)

    async def empty_log(self) -> bool:
        """Empty the write-ahead log; tell whether that went."""
        async with self.lock:
            return await truncate_log(self.conn)

    async def _counts(self, owner: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        rows = await self.conn.execute_fetchall(
            f"SELECT prefix, count(*) FROM store WHERE {BELOW.format('prefix')} GROUP BY prefix",
            (owner,),
        )
        for prefix, number in rows:
            counts[prefix.split(".")[1] if "." in prefix else ""] += int(number)
        words = await self.conn.execute_fetchall(
            f"SELECT count(*) FROM indexed WHERE {BELOW.format('prefix')}", (owner,)
        )
        return {**counts, "words": int(next(iter(words))[0])}
