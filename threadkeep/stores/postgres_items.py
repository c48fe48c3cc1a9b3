"""LangGraph's PostgreSQL store, opened, checked and set up with what stands beside it."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from langgraph.store.base import (
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)
from psycopg import AsyncCursor, Error
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb, set_json_dumps

from threadkeep.base.database_url import Database
from threadkeep.base.errors import Erased, StorageFailed
from threadkeep.base.postgres import Connection, Pool, migrate, open_pool, setup_lock
from threadkeep.stores.item_page import read_page
from threadkeep.stores.item_text import item_texts
from threadkeep.stores.namespaces import INTERNAL, SECRET, new_secret
from threadkeep.stores.postgres_erasing import PostgresErasing
from threadkeep.stores.postgres_quarantine import quarantine_rows
from threadkeep.stores.postgres_schema import (
    FORGOTTEN,
    REWORD,
    SCHEMA,
    UPGRADE,
    VERSION,
    WORDS_VERSION,
)
from threadkeep.stores.postgres_texts import put_stored_texts, put_texts
from threadkeep.stores.quarantine import read_intact
from threadkeep.stores.sqlite_items import Place, Row, values_of
from threadkeep.stores.tombstones import current_checkpoint, expiry_ops, owners_of, tombstones_over

COLUMNS = "s.prefix, s.key, s.value, s.created_at, s.updated_at"
ALIVE = "(s.expires_at IS NULL OR s.expires_at > now())"
FILTERED_ROWS = 500
"""Rows of one round trip of a search with a filter."""
# A NUL as JSON writes it, behind an even number of backslashes.
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class PostgresItems(PostgresErasing):
    """`AsyncPostgresStore` that never returns what has expired."""

    has_secret = True
    """Made with the tables: one that is missing was lost."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, ttl={"omit_expired": True, "refresh_on_read": True})
        self.pool = pool

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do a list of operations; the results are in their order."""
        ops = list(ops)
        if any(isinstance(op, ListNamespacesOp) for op in ops):
            # LangGraph's own list names the namespaces of what has expired until it is swept.
            await self.sweep_ttl()
        return await read_intact(self, lambda: self._batch(ops), values_of)

    async def quarantine_damaged(self) -> int:
        """Set aside the records that cannot be read; return their number."""
        return await quarantine_rows(self.pool)

    async def check(self) -> None:
        """Do nothing: the server checks its own files."""

    async def _batch(self, ops: list[Op]) -> list[Result]:
        pages = iter([await self._search(op) for op in ops if isinstance(op, SearchOp)])
        others = [op for op in ops if not isinstance(op, SearchOp)]
        try:
            results = iter(await super().abatch(others) if others else ())
            return [next(pages if isinstance(op, SearchOp) else results) for op in ops]
        except Error as error:
            if error.sqlstate not in FORGOTTEN:
                raise
            raise Erased(now=FORGOTTEN[error.sqlstate]) from None

    async def _search(self, op: SearchOp) -> list[SearchItem]:
        return await read_page(op, self._page_rows(op), self.extend)

    async def _page_rows(self, op: SearchOp) -> AsyncGenerator[tuple[Item, bool]]:
        """Yield the items of a namespace, the newest first, and whether each expires."""
        prefix = ".".join(op.namespace_prefix)
        inside = "(s.prefix = %(prefix)s OR starts_with(s.prefix, %(prefix)s || '.'))"
        if not prefix:
            prefix, inside = INTERNAL, f"NOT {inside}"
        limit = "" if op.filter else " LIMIT %(limit)s OFFSET %(offset)s"
        query = (
            f"SELECT {COLUMNS}, s.ttl_minutes FROM store AS s WHERE {inside} AND {ALIVE} "
            f"ORDER BY s.updated_at DESC{limit}"
        )
        parameters = {"prefix": prefix, "limit": op.limit, "offset": op.offset}
        if not op.filter:
            rows = await self._rows(query, parameters)
            for row in rows:
                yield _item(row), row["ttl_minutes"] is not None
            return
        # A cursor of the server: a filter may go through more than fits into memory.
        async with (
            self.pool.connection() as conn,
            conn.transaction(),
            conn.cursor("filtered") as cursor,
        ):
            cursor.itersize = FILTERED_ROWS
            await cursor.execute(query, parameters)
            async for row in cursor:
                yield _item(row), row["ttl_minutes"] is not None

    async def sweep_ttl(self) -> int:
        """Delete the items that have expired; return how many that was."""
        rows = await self._rows(
            "SELECT prefix, key, value FROM store "
            "WHERE expires_at <= now() AND prefix LIKE '%%.threads'",
            (),
        )
        if rows:
            await self.abatch(
                expiry_ops((row["prefix"].split(".")[0], row["key"], row["value"]) for row in rows)
            )
        return await super().sweep_ttl()

    async def extend(self, places: Sequence[Place]) -> None:
        """Let items that expire live as long again from now on."""
        async with self.pool.connection() as conn:
            for namespace, key in places:
                await conn.execute(
                    "UPDATE store SET expires_at = now() + ttl_minutes * interval '1 minute' "
                    "WHERE prefix = %s AND key = %s AND ttl_minutes IS NOT NULL",
                    (".".join(namespace), key),
                )

    async def page(self, namespace: tuple[str, ...], after: str, limit: int) -> list[Row]:
        """Return the first items of exactly this namespace whose keys come after `after`."""
        return await read_intact(
            self,
            lambda: self._page(namespace, after, limit),
            lambda rows: [(namespace, row.item.value) for row in rows],
        )

    async def _page(self, namespace: tuple[str, ...], after: str, limit: int) -> list[Row]:
        rows = await self._rows(
            f"SELECT {COLUMNS}, s.ttl_minutes, EXISTS (SELECT 1 FROM indexed AS i "
            "WHERE i.prefix = s.prefix AND i.key = s.key) AS searched FROM store AS s "
            f"WHERE s.prefix = %s AND s.key > %s AND {ALIVE} ORDER BY s.key LIMIT %s",
            (".".join(namespace), after, limit),
        )
        return [Row(_item(row), row["ttl_minutes"], row["searched"]) for row in rows]

    async def count(self, namespace: tuple[str, ...]) -> int:
        """Return how many items stand in exactly this namespace."""
        rows = await self._rows(
            f"SELECT count(*) AS number FROM store AS s WHERE s.prefix = %s AND {ALIVE}",
            (".".join(namespace),),
        )
        return int(rows[0]["number"])

    async def places(self, owner: str, ids: Sequence[str], *, part: bool) -> list[Place]:
        """Return where the owner's items are whose keys are these, or begin or end with one."""
        condition = "s.key = n.value"
        if part:
            condition = "(starts_with(s.key, n.value) OR right(s.key, length(n.value)) = n.value)"
        rows = await self._rows(
            "SELECT DISTINCT s.prefix, s.key FROM store AS s, unnest(%s::text[]) AS n (value) "
            f"WHERE starts_with(s.prefix, %s) AND {condition} AND {ALIVE}",
            ([id_.replace("\0", "") for id_ in ids], f"{owner}."),
        )
        return [(tuple(row["prefix"].split(".")), row["key"]) for row in rows]

    async def _batch_put_ops(
        self, put_ops: Sequence[tuple[int, PutOp]], cur: AsyncCursor[DictRow]
    ) -> None:
        """Put items, in the same transaction in which nothing forbids it."""
        ops = [op for _, op in put_ops]
        hashes, texts = tombstones_over(ops), item_texts(ops)
        if not hashes and not texts:
            await super()._batch_put_ops(put_ops, cur)
            return
        async with cur.connection.transaction():
            if hashes:
                await cur.execute(
                    "SELECT refuse_forgotten(%s, %s, %s)",
                    (owners_of(ops), hashes, current_checkpoint()),
                )
            await super()._batch_put_ops(put_ops, cur)
            await put_texts(cur.connection, texts)

    async def _rows(
        self, query: str, parameters: tuple[Any, ...] | dict[str, Any]
    ) -> list[dict[str, Any]]:
        async with self.pool.connection() as conn:
            return await (await conn.execute(query, parameters)).fetchall()


@asynccontextmanager
async def open_postgres_items(database: Database) -> AsyncIterator[PostgresItems]:
    """Open the items, their tables made where they are not.

    Raises:
        StorageFailed: the tables belong to another program or a newer threadkeep, or the server
            is too old.
        psycopg.Error: the server cannot be reached, or refuses.
    """
    async with open_pool(database, _configure) as pool:
        items = PostgresItems(pool)
        try:
            async with setup_lock(pool):
                await _set_up(items, database)
            yield items
        finally:
            if items._task:
                items._task.cancel()


def _item(row: dict[str, Any]) -> Item:
    columns = {name: row[name] for name in ("key", "value", "created_at", "updated_at")}
    return Item(namespace=tuple(row["prefix"].split(".")), **columns)


async def _configure(conn: Connection) -> None:
    set_json_dumps(_dumps, conn)


def _dumps(value: Any) -> bytes:
    """Return JSON without NUL, which PostgreSQL refuses in text."""
    return NUL.sub(rb"\1", orjson.dumps(value))


async def _set_up(items: PostgresItems, database: Database) -> None:
    """Create or upgrade the tables in one transaction: all of it is there, or nothing."""
    async with items.pool.connection() as conn, conn.transaction():
        version = await _version(conn, database)
        if version == VERSION:
            return
        await migrate(conn, "store_migrations", items.MIGRATIONS)
        await conn.execute(SCHEMA, prepare=False)
        if version:
            if version < WORDS_VERSION:
                await conn.execute(REWORD)
            await conn.execute(UPGRADE)
            await put_stored_texts(conn)
        else:
            namespace, key = SECRET
            await conn.execute(
                "INSERT INTO store (prefix, key, value) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (".".join(namespace), key, Jsonb(new_secret())),
            )
        await conn.execute("DELETE FROM threadkeep")
        await conn.execute("INSERT INTO threadkeep VALUES (%s)", (VERSION,))


async def _version(conn: Connection, database: Database) -> int:
    """Return the version of our tables, 0 where there are none; refuse what is not ours."""
    cursor = await conn.execute(
        "SELECT to_regclass('threadkeep') IS NOT NULL AS ours, "
        "to_regclass('store') IS NOT NULL AS any"
    )
    tables = await cursor.fetchone()
    if tables is None or not tables["ours"]:
        if tables and tables["any"]:
            raise StorageFailed(
                f"The database {str(database)!r} has a table 'store' of another program. "
                "Name another database, or a schema of its own by ?options=-csearch_path%3DNAME."
            )
        return 0
    row = await (await conn.execute("SELECT max(version) AS version FROM threadkeep")).fetchone()
    version = int(row["version"] or 0) if row else 0
    if version > VERSION:
        raise StorageFailed(
            f"The database {str(database)!r} has version {version}, this threadkeep knows up to "
            f"{VERSION}. Install a newer threadkeep, or name another database."
        )
    return version
