"""Full-text search by PostgreSQL's tsvector, and the marks by which vectors keep up."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from langgraph.store.base import Item

from threadkeep.search.changes import Changes, ReadPosition, read_changes
from threadkeep.search.text_matches import BigramMatch, Hit
from threadkeep.search.words import terms
from threadkeep.stores.postgres_items import PostgresItems
from threadkeep.stores.postgres_schema import REBUILD
from threadkeep.stores.postgres_texts import put_stored_texts
from threadkeep.stores.quarantine import read_intact
from threadkeep.stores.sqlite_index import MAX_DELETED, Namespace, Pending

INDEX_LOCK = "hashtextextended('threadkeep index of ' || current_schema(), 0)"
"""One process at a time makes vectors of one schema's items."""
# Weights of D, C, B and A: the text itself counts three times what was said before it.
WEIGHTS = [0.0, 0.0, 0.33, 1.0]
ALIVE = "(s.expires_at IS NULL OR s.expires_at > now())"
TEXT = "coalesce(i.text, s.value ->> 'text')"
BEFORE = "CASE WHEN i.text IS NULL THEN s.value ->> 'before' END"
# Numbers become visible in their order for one owner only: the log is read as far as that one's.
# Kind 0 the owner and the ends of the log, 1 what is gone, 2 what is new: see read_changes.
CHANGES = """
WITH me AS (SELECT id FROM owners WHERE name = %(owner)s),
log AS (
    SELECT min(seq) AS first, greatest(
        (SELECT max(g.seq) FROM gone AS g JOIN me ON g.owner = me.id), min(seq) - 1
    ) AS last FROM gone
)
SELECT 0 AS kind, me.id AS one, log.first::text AS two, to_jsonb(log.last) AS three, NULL AS four
FROM log LEFT JOIN me ON true
UNION ALL
SELECT 1, g.seq, g.id::text, NULL, NULL FROM me
JOIN gone AS g ON g.owner = me.id AND g.seq > %(gone)s
UNION ALL
SELECT 2, i.id, i.prefix, s.value, i.text FROM me JOIN indexed AS i
ON i.owner = me.id AND i.id > %(item)s JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key
"""


class PostgresIndex:
    """What stands beside the items: their words, and which of them still want a vector."""

    def __init__(self, items: PostgresItems) -> None:
        self._items = items
        self._pool = items.pool

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait until no other process makes vectors of these items."""
        # Of the transaction, not of the connection: whoever is cancelled lets go all the same.
        async with self._pool.connection() as conn, conn.transaction():
            await conn.execute(f"SELECT pg_advisory_xact_lock({INDEX_LOCK})")
            yield

    async def search(self, namespace: Namespace, query: str, limit: int) -> list[Hit]:
        """Return the best items below a namespace that share a distinctive word with the query."""
        expression = match(terms(query))
        if not expression:
            return []
        prefix = ".".join(namespace)
        of_owner = "asked.words"
        if namespace:
            of_owner = "((quote_literal('owner' || asked.owner))::tsquery && asked.words)"
        rows = await self._read(
            "WITH asked AS (SELECT to_tsquery('english', folded(%(wanted)s)) AS words, "
            "(SELECT id FROM owners WHERE name = %(owner)s) AS owner) "
            "SELECT i.id, ts_rank(%(weights)s::real[], i.words, asked.words, 1) AS score "
            f"FROM asked JOIN indexed AS i ON i.words @@ {of_owner} "
            "WHERE %(prefix)s = '' OR i.prefix = %(prefix)s OR starts_with(i.prefix, %(inside)s) "
            "ORDER BY score DESC, i.id LIMIT %(limit)s",
            {
                "wanted": expression,
                "owner": namespace[0] if namespace else "",
                "weights": WEIGHTS,
                "prefix": prefix,
                "inside": f"{prefix}.",
                "limit": limit,
            },
        )
        return [(int(row["id"]), float(row["score"])) for row in rows]

    async def bigram_matches(
        self, namespace: Namespace, bigrams: Sequence[str]
    ) -> list[BigramMatch]:
        """Return which of the pairs stand in the texts below a namespace; it reads all of them."""
        prefix = ".".join(namespace)
        rows = await self._read(
            "SELECT * FROM (SELECT i.id, "
            f"sum((strpos({TEXT}, p.said) > 0)::int << p.at::int) AS matches, "
            f"sum((strpos({BEFORE}, p.said) > 0)::int << p.at::int) AS matches_before "
            "FROM indexed AS i JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key "
            "CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS p (said, at) "
            "WHERE i.owner = (SELECT id FROM owners WHERE name = %s) "
            "AND (i.prefix = %s OR starts_with(i.prefix, %s)) GROUP BY i.id) AS found "
            "WHERE matches > 0 OR matches_before > 0",
            (list(bigrams), namespace[0], prefix, f"{prefix}."),
        )
        return [
            (row["id"], int(row["matches"] or 0), int(row["matches_before"] or 0)) for row in rows
        ]

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
        prefix = ".".join(namespace)
        rows = await self._read(
            "SELECT i.id, s.prefix, s.key, s.value, s.created_at, s.updated_at, s.ttl_minutes "
            "FROM indexed AS i JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key "
            "WHERE i.id = ANY(%s) "
            f"AND (%s = '' OR i.prefix = %s OR starts_with(i.prefix, %s)) AND {ALIVE}",
            (list(ids), prefix, prefix, f"{prefix}."),
        )
        if expiring is not None:
            expiring.update(int(row["id"]) for row in rows if row["ttl_minutes"] is not None)
        return {
            int(row["id"]): Item(
                namespace=tuple(row["prefix"].split(".")),
                key=row["key"],
                value=row["value"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
            for row in rows
        }

    async def pending(self, limit: int) -> list[Pending]:
        """Return items whose vectors are pending, the oldest first."""
        rows = await self._read(
            f"SELECT i.id, split_part(i.prefix, '.', 1) AS owner, {TEXT} AS text "
            "FROM indexed AS i JOIN store AS s ON s.prefix = i.prefix AND s.key = i.key "
            "WHERE i.pending ORDER BY i.id LIMIT %s",
            (limit,),
        )
        return [(int(row["id"]), row["owner"], row["text"] or "") for row in rows]

    async def count_pending(self) -> int:
        """Return the number of pending vectors."""
        rows = await self._read("SELECT count(*) AS n FROM indexed WHERE pending")
        return int(rows[0]["n"])

    async def mark_indexed(self, ids: Iterable[int]) -> None:
        """Store that these items have their vectors."""
        await self._write("UPDATE indexed SET pending = false WHERE id = ANY(%s)", (list(ids),))

    async def mark_all_pending(self) -> None:
        """Mark the vectors of all items as pending."""
        await self._write("UPDATE indexed SET pending = true WHERE NOT pending")

    async def mark_owner_pending(self, owner: str) -> None:
        """Mark the vectors of an owner's items as pending."""
        await self._write(
            "UPDATE indexed SET pending = true "
            "WHERE owner = (SELECT id FROM owners WHERE name = %s)",
            (owner,),
        )

    async def deleted(self, limit: int) -> list[tuple[int, str]]:
        """Return numbers and owners of deleted items that may still have vectors."""
        rows = await self._read(
            "SELECT g.id, o.name FROM gone AS g JOIN owners AS o ON o.id = g.owner "
            "WHERE g.pending ORDER BY g.seq LIMIT %s",
            (limit,),
        )
        return [(int(row["id"]), row["name"]) for row in rows]

    async def mark_deleted(self, ids: Iterable[int]) -> None:
        """Store that the vectors of these deleted items are deleted too."""
        await self._write(
            "UPDATE gone SET pending = false WHERE pending AND id = ANY(%s)", (list(ids),)
        )
        await self._write(
            "DELETE FROM gone WHERE NOT pending AND seq < (SELECT max(seq) FROM gone) - %s",
            (MAX_DELETED,),
        )

    async def clear_deleted(self) -> None:
        """Store that no deleted item has a vector any more."""
        await self._write("UPDATE gone SET pending = false WHERE pending")

    async def changes(self, owner: str, since: ReadPosition) -> Changes:
        """Return what has come and gone among an owner's items since they were last read."""
        return await read_intact(
            self._items,
            lambda: self._read_changes(owner, since),
            lambda changes: [(prefix.split("."), value) for _, prefix, value in changes.added],
        )

    async def _read_changes(self, owner: str, since: ReadPosition) -> Changes:
        rows = await self._read(
            CHANGES, {"owner": owner, "item": since.item, "gone": since.deletion}
        )
        return read_changes(
            ((row["kind"], row["one"], row["two"], row["three"], row["four"]) for row in rows),
            since,
        )

    async def count(self, owner: str) -> int:
        """Return how many items of the owner are searchable."""
        rows = await self._read(
            "SELECT count(*) AS n FROM indexed "
            "WHERE owner = (SELECT id FROM owners WHERE name = %s)",
            (owner,),
        )
        return int(rows[0]["n"])

    async def rebuild(self) -> None:
        """Make the words again from the items; every item wants its vector again."""
        async with self._pool.connection() as conn, conn.transaction():
            for statement in REBUILD:
                await conn.execute(statement)
            await put_stored_texts(conn)

    async def _read(self, statement: str, values: Any = None) -> list[dict[str, Any]]:
        async with self._pool.connection() as conn:
            return await (await conn.execute(statement, values)).fetchall()

    async def _write(self, statement: str, values: Any = None) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(statement, values)


def match(words: Sequence[str]) -> str:
    """Return a tsquery; every word is quoted, so that a query is never syntax."""
    return " | ".join(f"'{word}'" for word in words)
