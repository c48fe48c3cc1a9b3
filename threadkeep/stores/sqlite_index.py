"""Full-text search by SQLite's FTS5, and the pending index entries of vectors."""

import json
from asyncio import Lock
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from langgraph.store.base import Item

from threadkeep.base.cancellation import uninterrupted
from threadkeep.search.changes import Changes, ReadPosition, read_changes
from threadkeep.search.text_matches import BEFORE_WEIGHT, TEXT_WEIGHT, BigramMatch, Hit
from threadkeep.search.words import terms
from threadkeep.stores.quarantine import read_intact
from threadkeep.stores.sqlite_items import ALIVE, COLUMNS, SqliteItems, as_item
from threadkeep.stores.sqlite_schema import REBUILD
from threadkeep.stores.sqlite_texts import put_stored_texts

Namespace = tuple[str, ...]
Pending = tuple[int, str, str]
"""The number of an item whose vector is pending, its owner, its text."""

MAX_DELETED = 10_000
"""Deleted numbers that are kept, for processes that have not read them yet."""


class SqliteIndex:
    """The index tables beside the items: their words, and whose vectors are pending."""

    def __init__(self, items: SqliteItems) -> None:
        self._items = items
        self._conn = items.reader
        self._writing = Lock()

    async def search(self, namespace: Namespace, query: str, limit: int) -> list[Hit]:
        """Return the best items below a namespace that share a distinctive word with the query.

        Namespaces of one label, of two and of a whole prefix are exact; others may bring items
        from beside them, which `items` leaves out.
        """
        expression = match(terms(query))
        if not expression:
            return []
        name, above = ".".join(namespace), ".".join(namespace[:2])
        rows = await self._conn.execute_fetchall(
            f"SELECT rowid, -bm25(words, 0.0, {TEXT_WEIGHT}, {BEFORE_WEIGHT}) AS score FROM words "
            "WHERE words MATCH CASE WHEN ?1 = '' THEN ?3 ELSE "
            "'spaces:\"s' || coalesce((SELECT id FROM spaces WHERE name = ?1), "
            "(SELECT id FROM spaces WHERE name = ?2), 0) || '\" AND ' || ?3 END "
            "ORDER BY score DESC, rowid LIMIT ?4",
            (name, above, expression, limit),
        )
        return [(int(row[0]), float(row[1])) for row in rows]

    async def bigram_matches(
        self, namespace: Namespace, bigrams: Sequence[str]
    ) -> list[BigramMatch]:
        """Return which of the pairs stand in the texts below a namespace; it reads all of them."""
        text = ".".join(namespace)
        rows = await self._conn.execute_fetchall(
            "SELECT i.id, sum((instr(w.text, p.value) > 0) << p.key) AS matches, "
            "sum((instr(w.before, p.value) > 0) << p.key) AS matches_before "
            "FROM indexed AS i CROSS JOIN words AS w ON w.rowid = i.id "
            "CROSS JOIN json_each(?) AS p "
            "WHERE i.owner = (SELECT id FROM spaces WHERE name = ?) "
            "AND (i.prefix = ? OR (i.prefix >= ? AND i.prefix < ?)) "
            "GROUP BY i.id HAVING matches OR matches_before",
            (json.dumps(bigrams), namespace[0], text, f"{text}.", f"{text}/"),
        )
        return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]

    async def items(
        self, namespace: Namespace, ids: Sequence[int], expiring: set[int] | None = None
    ) -> dict[int, Item]:
        """Return those of the items that lie below the namespace and have not expired.

        Into the set `expiring` go the numbers of those that will.
        """
        return await read_intact(
            self._items,
            lambda: self._read_items(namespace, ids, expiring),
            lambda items: [(item.namespace, item.value) for item in items.values()],
        )

    async def _read_items(
        self, namespace: Namespace, ids: Sequence[int], expiring: set[int] | None
    ) -> dict[int, Item]:
        text = ".".join(namespace)
        rows = await self._conn.execute_fetchall(
            f"SELECT i.id, {COLUMNS}, s.ttl_minutes FROM json_each(?1) AS n "
            "CROSS JOIN indexed AS i "
            "ON i.id = n.value CROSS JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key "
            f"WHERE (?2 = '' OR i.prefix = ?2 OR (i.prefix >= ?3 AND i.prefix < ?4)) AND {ALIVE}",
            (json.dumps(list(ids)), text, f"{text}.", f"{text}/"),
        )
        if expiring is not None:
            expiring.update(int(row[0]) for row in rows if row[6] is not None)
        return {int(row[0]): as_item(row[1:]) for row in rows}

    async def pending(self, limit: int) -> list[Pending]:
        """Return items whose vectors are pending, the oldest first."""
        rows = await self._conn.execute_fetchall(
            # CROSS JOIN: SQLite keeps the order; by itself it reads the words of everything.
            "SELECT i.id, i.prefix, w.text FROM indexed AS i "
            "CROSS JOIN words AS w ON w.rowid = i.id "
            "WHERE i.pending ORDER BY i.id LIMIT ?",
            (limit,),
        )
        return [(int(row[0]), _owner(row[1]), str(row[2])) for row in rows]

    async def count_pending(self) -> int:
        """Return the number of pending vectors."""
        rows = await self._conn.execute_fetchall("SELECT count(*) FROM indexed WHERE pending")
        return int(next(iter(rows))[0])

    async def mark_indexed(self, ids: Iterable[int]) -> None:
        """Store that these items have their vectors."""
        await self._write("UPDATE indexed SET pending = 0 WHERE id = ?", [(i,) for i in ids])

    async def mark_all_pending(self) -> None:
        """Mark the vectors of all items as pending."""
        await self._write("UPDATE indexed SET pending = 1", [()])

    async def mark_owner_pending(self, owner: str) -> None:
        """Mark the vectors of an owner's items as pending."""
        await self._write(
            "UPDATE indexed SET pending = 1 WHERE owner = (SELECT id FROM spaces WHERE name = ?)",
            [(owner,)],
        )

    async def deleted(self, limit: int) -> list[tuple[int, str]]:
        """Return numbers and owners of deleted items that may still have vectors."""
        rows = await self._conn.execute_fetchall(
            "SELECT g.id, s.name FROM gone AS g JOIN spaces AS s ON s.id = g.owner "
            "WHERE g.pending ORDER BY g.seq LIMIT ?",
            (limit,),
        )
        return [(int(row[0]), str(row[1])) for row in rows]

    async def mark_deleted(self, ids: Iterable[int]) -> None:
        """Store that the vectors of these deleted items are deleted too."""
        await self._write(
            "UPDATE gone SET pending = 0 WHERE pending AND id = ?", [(i,) for i in ids]
        )
        await self._write(
            "DELETE FROM gone WHERE NOT pending AND seq < (SELECT max(seq) FROM gone) - ?",
            [(MAX_DELETED,)],
        )

    async def clear_deleted(self) -> None:
        """Store that no deleted item has a vector any more."""
        await self._write("UPDATE gone SET pending = 0 WHERE pending", [()])

    async def changes(self, owner: str, since: ReadPosition) -> Changes:
        """Return what has come and gone among an owner's items since they were last read."""
        return await read_intact(
            self._items,
            lambda: self._read_changes(owner, since),
            lambda changes: [(prefix.split("."), value) for _, prefix, value in changes.added],
        )

    async def _read_changes(self, owner: str, since: ReadPosition) -> Changes:
        rows = await self._conn.execute_fetchall(
            "WITH me (id) AS (SELECT id FROM spaces WHERE name = ?1), "
            "log (first, last) AS (SELECT min(seq), max(seq) FROM gone) "
            "SELECT 0, me.id, log.first, log.last, NULL FROM log LEFT JOIN me UNION ALL "
            "SELECT 1, g.seq, g.id, NULL, NULL FROM me CROSS JOIN gone AS g "
            "ON g.owner = me.id AND g.seq > ?3 UNION ALL "
            "SELECT 2, i.id, i.prefix, s.value, i.text FROM me CROSS JOIN indexed AS i "
            "ON i.owner = me.id AND i.id > ?2 "
            "CROSS JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key",
            (owner, since.item, since.deletion),
        )
        return read_changes(rows, since)

    async def count(self, owner: str) -> int:
        """Return how many items of the owner are searchable."""
        rows = await self._conn.execute_fetchall(
            "SELECT count(*) FROM indexed WHERE owner = (SELECT id FROM spaces WHERE name = ?)",
            (owner,),
        )
        return int(next(iter(rows))[0])

    async def rebuild(self) -> None:
        """Make the words again from the items; every item wants its vector again."""
        async with self._transaction():
            for statement in REBUILD:
                await self._conn.execute(statement)
            await put_stored_texts(self._conn)

    async def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        await uninterrupted(self._written(statement, rows))

    async def _written(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        async with self._transaction():
            await self._conn.executemany(statement, rows)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self._writing:
            await self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield
                await self._conn.execute("COMMIT")
            except BaseException:
                await self._conn.execute("ROLLBACK")
                raise


def match(words: Sequence[str]) -> str:
    """Return an FTS5 expression; every word is quoted, so that a query is never syntax."""
    terms = " OR ".join(f'"{word}"' for word in words)
    return f"{{text before}}:({terms})" if terms else ""


def _owner(prefix: str) -> str:
    return prefix.partition(".")[0]
