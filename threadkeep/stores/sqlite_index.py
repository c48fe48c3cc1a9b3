"""Full-text search by SQLite's FTS5, and the marks by which vectors keep up with the items."""

import json
from asyncio import Lock
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite
from langgraph.store.base import Item

from threadkeep.search.changes import Changes, ReadPosition, read_changes
from threadkeep.search.text_matches import BEFORE_WEIGHT, TEXT_WEIGHT, BigramMatch, Hit
from threadkeep.search.words import terms
from threadkeep.stores.sqlite_items import ALIVE, COLUMNS, Place, as_item, whole
from threadkeep.stores.sqlite_schema import REBUILD

Namespace = tuple[str, ...]
Pending = tuple[int, str, str]
"""The number of an item that wants a vector, its owner, its text."""

GONE_KEPT = 10_000
"""So many are remembered as gone, for processes that have not heard of it yet."""


class SqliteIndex:
    """What stands beside the items: their words, and which of them still want a vector."""

    def __init__(self, conn: aiosqlite.Connection) -> None:
        self._conn = conn
        self._writing = Lock()

    async def search(self, below: Namespace, query: str, limit: int) -> list[Hit]:
        """Return the best items below a namespace that share a telling word with the query.

        Namespaces of one label, of two and of a whole prefix are exact; others may bring items
        from beside them, which `items` leaves out.
        """
        wanted = match(terms(query))
        if not wanted or not below:
            return []
        name, above = ".".join(below), ".".join(below[:2])
        rows = await self._conn.execute_fetchall(
            f"SELECT rowid, -bm25(words, 0.0, {TEXT_WEIGHT}, {BEFORE_WEIGHT}) AS score FROM words "
            "WHERE words MATCH 'spaces:\"s' || coalesce((SELECT id FROM spaces WHERE name = ?), "
            "(SELECT id FROM spaces WHERE name = ?), 0) || '\" AND ' || ? "
            "ORDER BY score DESC, rowid LIMIT ?",
            (name, above, wanted, limit),
        )
        return [(int(row[0]), float(row[1])) for row in rows]

    async def bigram_matches(self, below: Namespace, wanted: Sequence[str]) -> list[BigramMatch]:
        """Return which of the pairs stand in the texts below a namespace; it reads all of them."""
        text = ".".join(below)
        rows = await self._conn.execute_fetchall(
            "SELECT i.id, sum((instr(w.text, p.value) > 0) << p.key) AS told, "
            "sum((instr(w.before, p.value) > 0) << p.key) AS told_before "
            "FROM indexed AS i CROSS JOIN words AS w ON w.rowid = i.id "
            "CROSS JOIN json_each(?) AS p "
            "WHERE i.owner = (SELECT id FROM spaces WHERE name = ?) "
            "AND (i.prefix = ? OR (i.prefix >= ? AND i.prefix < ?)) "
            "GROUP BY i.id HAVING told OR told_before",
            (json.dumps(wanted), below[0], text, f"{text}.", f"{text}/"),
        )
        return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]

    async def items(
        self, below: Namespace, ids: Sequence[int], mortal: set[int] | None = None
    ) -> dict[int, Item]:
        """Return those of the items that lie below the namespace and have not expired.

        Into `mortal` go the numbers of those that will.
        """
        text = ".".join(below)
        rows = await self._conn.execute_fetchall(
            f"SELECT i.id, {COLUMNS}, s.ttl_minutes FROM json_each(?) AS n CROSS JOIN indexed AS i "
            "ON i.id = n.value CROSS JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key "
            f"WHERE (i.prefix = ? OR (i.prefix >= ? AND i.prefix < ?)) AND {ALIVE}",
            (json.dumps(list(ids)), text, f"{text}.", f"{text}/"),
        )
        if mortal is not None:
            mortal.update(int(row[0]) for row in rows if row[6] is not None)
        return {int(row[0]): as_item(row[1:]) for row in rows}

    async def hide(self, places: Sequence[Place]) -> None:
        """Take items out of the index."""
        rows = [(".".join(namespace), key) for namespace, key in places]
        await self._write("DELETE FROM indexed WHERE prefix = ? AND key = ?", rows)

    async def pending(self, limit: int) -> list[Pending]:
        """Return items that want a vector, the oldest first."""
        rows = await self._conn.execute_fetchall(
            # CROSS JOIN: SQLite keeps the order; by itself it reads the words of everything.
            "SELECT i.id, i.prefix, w.text FROM indexed AS i "
            "CROSS JOIN words AS w ON w.rowid = i.id "
            "WHERE i.pending ORDER BY i.id LIMIT ?",
            (limit,),
        )
        return [(int(row[0]), _owner(row[1]), str(row[2])) for row in rows]

    async def count_pending(self) -> int:
        """Return how many items want a vector."""
        rows = await self._conn.execute_fetchall("SELECT count(*) FROM indexed WHERE pending")
        return int(next(iter(rows))[0])

    async def made(self, ids: Iterable[int]) -> None:
        """Note that these items have their vectors."""
        await self._write("UPDATE indexed SET pending = 0 WHERE id = ?", [(i,) for i in ids])

    async def all_pending(self) -> None:
        """Note that every item wants a vector."""
        await self._write("UPDATE indexed SET pending = 1", [()])

    async def owner_pending(self, owner: str) -> None:
        """Note that every item of an owner needs a vector."""
        await self._write(
            "UPDATE indexed SET pending = 1 WHERE owner = (SELECT id FROM spaces WHERE name = ?)",
            [(owner,)],
        )

    async def gone(self, limit: int) -> list[tuple[int, str]]:
        """Return numbers and owners of items that are gone while their vectors may not be."""
        rows = await self._conn.execute_fetchall(
            "SELECT g.id, s.name FROM gone AS g JOIN spaces AS s ON s.id = g.owner "
            "WHERE g.pending ORDER BY g.seq LIMIT ?",
            (limit,),
        )
        return [(int(row[0]), str(row[1])) for row in rows]

    async def dropped(self, ids: Iterable[int]) -> None:
        """Note that the vectors of these gone items are gone too."""
        await self._write(
            "UPDATE gone SET pending = 0 WHERE pending AND id = ?", [(i,) for i in ids]
        )
        await self._write(
            "DELETE FROM gone WHERE NOT pending AND seq < (SELECT max(seq) FROM gone) - ?",
            [(GONE_KEPT,)],
        )

    async def all_dropped(self) -> None:
        """Note that no vector is left of any item that is gone."""
        await self._write("UPDATE gone SET pending = 0 WHERE pending", [()])

    async def changes(self, owner: str, since: ReadPosition) -> Changes:
        """Return what has come and gone among an owner's items since they were last read."""
        rows = await self._conn.execute_fetchall(
            "WITH me (id) AS (SELECT id FROM spaces WHERE name = ?1), "
            "log (first, last) AS (SELECT min(seq), max(seq) FROM gone) "
            "SELECT 0, me.id, log.first, log.last FROM log LEFT JOIN me UNION ALL "
            "SELECT 1, g.seq, g.id, NULL FROM me CROSS JOIN gone AS g "
            "ON g.owner = me.id AND g.seq > ?3 UNION ALL "
            "SELECT 2, i.id, i.prefix, s.value FROM me CROSS JOIN indexed AS i "
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

    async def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        await whole(self._written(statement, rows))

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
    wanted = " OR ".join(f'"{word}"' for word in words)
    return f"{{text before}}:({wanted})" if wanted else ""


def _owner(prefix: str) -> str:
    return prefix.partition(".")[0]
