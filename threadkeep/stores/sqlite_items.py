"""LangGraph's SQLite store, which waits for other writers and reads in one query."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, NamedTuple

import aiosqlite
import orjson
from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)

from threadkeep.base.cancellation import uninterrupted
from threadkeep.base.sqlite_file import check_integrity
from threadkeep.stores.item_page import read_page
from threadkeep.stores.item_text import item_texts
from threadkeep.stores.namespaces import INTERNAL
from threadkeep.stores.quarantine import read_intact
from threadkeep.stores.sqlite_erasing import SqliteErasing
from threadkeep.stores.sqlite_quarantine import quarantine_rows
from threadkeep.stores.sqlite_texts import put_texts
from threadkeep.stores.tombstones import (
    TOMBSTONES,
    current_checkpoint,
    expiry_ops,
    refuse_erased,
    tombstones_over,
)

Place = tuple[tuple[str, ...], str]
"""A namespace and a key."""

BUSY_SECONDS = 10.0
COLUMNS = "s.prefix, s.key, s.value, s.created_at, s.updated_at"
# Not CURRENT_TIMESTAMP, which knows whole seconds only.
NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
ALIVE = f"(s.expires_at IS NULL OR s.expires_at > {NOW})"
EXTENDED = "strftime('%Y-%m-%d %H:%M:%f', 'now', '+' || ttl_minutes * 60 || ' seconds')"


class Row(NamedTuple):
    """An item, with what LangGraph's item lacks."""

    item: Item
    ttl_minutes: float | None
    searched: bool


class SqliteItems(SqliteErasing):
    """`AsyncSqliteStore` that reads any number of items with one query, beside its writer."""

    has_secret = True
    """Made with the tables: one that is missing was lost."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        super().__init__(writer, ttl={"refresh_on_read": True})
        self.reader = reader

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do a list of operations; reads come before writes, the results are in their order."""
        ops = list(ops)
        return await read_intact(self, lambda: self._batch(ops), values_of)

    async def quarantine_damaged(self) -> int:
        """Set aside the records that cannot be read; return their number."""
        async with self.lock:
            return await quarantine_rows(self.conn)

    async def check(self) -> None:
        """Read the whole database.

        Raises:
            sqlite3.DatabaseError: it is damaged.
        """
        async with self.lock:
            await check_integrity(self.conn)
            await self.conn.execute("INSERT INTO words (words) VALUES ('integrity-check')")

    async def _batch(self, ops: list[Op]) -> list[Result]:
        if any(isinstance(op, ListNamespacesOp) for op in ops):
            # LangGraph's own list names the namespaces of what has expired until it is swept.
            await self.sweep_ttl()
        gets = [op for op in ops if isinstance(op, GetOp)]
        others = [op for op in ops if not isinstance(op, GetOp | SearchOp)]
        items = iter(await self._get(gets) if gets else ())
        pages = iter([await self._search(op) for op in ops if isinstance(op, SearchOp)])
        results = iter(await self._retry_while_busy(others) if others else ())
        kinds = {GetOp: items, SearchOp: pages}
        return [next(kinds.get(type(op), results)) for op in ops]

    async def sweep_ttl(self) -> int:
        """Delete the items that have expired; return how many that was."""
        expired = f"expires_at IS NOT NULL AND expires_at <= {NOW}"
        threads = await self.reader.execute_fetchall(
            f"SELECT prefix, key, value FROM store WHERE {expired} AND prefix LIKE '%.threads'"
        )
        if threads:
            await self.abatch(
                expiry_ops((row[0].split(".")[0], row[1], orjson.loads(row[2])) for row in threads)
            )
        rows = await self.reader.execute_fetchall(f"SELECT count(*) FROM store WHERE {expired}")
        if count := int(next(iter(rows))[0]):
            await self._write(f"DELETE FROM store WHERE {expired}", [()])
        return count

    async def extend(self, places: Sequence[Place]) -> None:
        """Let items that expire live as long again from now on."""
        await self._write(
            f"UPDATE store SET expires_at = {EXTENDED} "
            "WHERE prefix = ? AND key = ? AND ttl_minutes IS NOT NULL",
            [(".".join(namespace), key) for namespace, key in places],
        )

    async def page(self, namespace: tuple[str, ...], after: str, limit: int) -> list[Row]:
        """Return the first items of exactly this namespace whose keys come after `after`."""
        return await read_intact(
            self,
            lambda: self._page(namespace, after, limit),
            lambda rows: [(namespace, row.item.value) for row in rows],
        )

    async def _page(self, namespace: tuple[str, ...], after: str, limit: int) -> list[Row]:
        rows = await self.reader.execute_fetchall(
            f"SELECT {COLUMNS}, s.ttl_minutes, EXISTS (SELECT 1 FROM indexed AS i "
            "WHERE i.prefix = s.prefix AND i.key = s.key) FROM store AS s "
            f"WHERE s.prefix = ? AND s.key > ? AND {ALIVE} ORDER BY s.key LIMIT ?",
            (".".join(namespace), after, limit),
        )
        return [Row(as_item(row), row[5], bool(row[6])) for row in rows]

    async def count(self, namespace: tuple[str, ...]) -> int:
        """Return how many items stand in exactly this namespace."""
        rows = await self.reader.execute_fetchall(
            f"SELECT count(*) FROM store AS s WHERE s.prefix = ? AND {ALIVE}",
            (".".join(namespace),),
        )
        return int(next(iter(rows))[0])

    async def places(self, owner: str, ids: Sequence[str], *, part: bool) -> list[Place]:
        """Return where the owner's items are whose keys are these, or begin or end with one."""
        condition = "n.value = s.key"
        if part:
            condition = (
                "n.value IN (substr(s.key, 1, length(n.value)), substr(s.key, -length(n.value)))"
            )
        rows = await self.reader.execute_fetchall(
            "SELECT DISTINCT s.prefix, s.key FROM store AS s CROSS JOIN json_each(?) AS n "
            f"WHERE s.prefix >= ? AND s.prefix < ? AND {condition} AND {ALIVE}",
            (json.dumps(list(ids)), f"{owner}.", f"{owner}/"),
        )
        return [(tuple(row[0].split(".")), row[1]) for row in rows]

    async def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        async def write() -> None:
            async with self.lock:
                await self.conn.execute("BEGIN IMMEDIATE")
                try:
                    await self.conn.executemany(statement, rows)
                    await self.conn.execute("COMMIT")
                except BaseException:
                    await self.conn.execute("ROLLBACK")
                    raise

        await uninterrupted(write())

    async def _batch_put_ops(
        self, put_ops: Sequence[tuple[int, PutOp]], cur: aiosqlite.Cursor
    ) -> None:
        """Put items, in the transaction that checks the tombstones."""
        if hashes := tombstones_over(op for _, op in put_ops):
            await cur.execute(
                "SELECT value FROM store "
                "WHERE prefix = ? AND key IN (SELECT value FROM json_each(?))",
                (".".join(TOMBSTONES), json.dumps(hashes)),
            )
            tombstones = [orjson.loads(row[0]) for row in await cur.fetchall()]
            refuse_erased(tombstones, current_checkpoint())
        await super()._batch_put_ops(put_ops, cur)
        await put_texts(self.conn, item_texts([op for _, op in put_ops]))

    async def stop(self) -> None:
        """End the task that LangGraph's store keeps for its queue, which we do not use."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _get(self, ops: Sequence[GetOp]) -> list[Item | None]:
        places: list[Place] = [(op.namespace, op.key) for op in ops]
        rows = await self.reader.execute_fetchall(
            # CROSS JOIN: SQLite keeps the order, so that each place is one step into the key.
            f"SELECT {COLUMNS}, s.ttl_minutes FROM json_each(?) AS p CROSS JOIN store AS s "
            "ON s.prefix = json_extract(p.value, '$[0]') AND s.key = json_extract(p.value, '$[1]') "
            f"WHERE {ALIVE}",
            (json.dumps([(".".join(namespace), key) for namespace, key in places]),),
        )
        items = {(item.namespace, item.key): item for item in map(as_item, rows)}
        expiring = {(tuple(row[0].split(".")), row[1]) for row in rows if row[5] is not None}
        refreshed = {(op.namespace, op.key) for op in ops if op.refresh_ttl}
        if expiring & refreshed:
            await self.extend(list(expiring & refreshed))
        return [items.get(place) for place in places]

    async def _search(self, op: SearchOp) -> list[SearchItem]:
        return await read_page(op, self._rows(op), self.extend)

    async def _rows(self, op: SearchOp) -> AsyncGenerator[tuple[Item, bool]]:
        """Yield the items of a namespace, the newest first, and whether each expires."""
        parameters: tuple[str, ...]
        inside, parameters = "s.prefix <> ? AND s.prefix NOT GLOB ?", (INTERNAL, f"{INTERNAL}.*")
        if op.namespace_prefix:
            prefix = ".".join(op.namespace_prefix)
            inside = "(s.prefix = ? OR (s.prefix >= ? AND s.prefix < ?))"
            parameters = (prefix, f"{prefix}.", f"{prefix}/")
        limit = "" if op.filter else f" LIMIT {op.limit} OFFSET {op.offset}"
        async with self.reader.execute(
            f"SELECT {COLUMNS}, s.ttl_minutes FROM store AS s WHERE {inside} AND {ALIVE} "
            f"ORDER BY s.updated_at DESC{limit}",
            parameters,
        ) as cursor:
            async for row in cursor:
                yield as_item(row), row[5] is not None

    async def _retry_while_busy(self, ops: Sequence[Op]) -> list[Result]:
        """Do operations that are no queries; wait for another writer as long as SQLite would.

        LangGraph's store begins a deferred transaction, and with a full-text table SQLite then
        refuses at once instead of waiting. Every operation may be done twice.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BUSY_SECONDS
        while True:
            try:
                return await uninterrupted(super().abatch(ops))
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or loop.time() > deadline:
                    raise
                await asyncio.sleep(0.005)


def values_of(results: Iterable[Result]) -> list[tuple[Sequence[str], object]]:
    """Return namespace and value of each item in the results of a batch."""
    pairs: list[tuple[Sequence[str], object]] = []
    for result in results:
        items = result if isinstance(result, list) else [result]
        pairs += [(item.namespace, item.value) for item in items if isinstance(item, Item)]
    return pairs


def as_item(row: Sequence[Any]) -> Item:
    """Return a row of `COLUMNS` as LangGraph's item."""
    prefix, key, value, created_at, updated_at = row[:5]
    return Item(
        namespace=tuple(prefix.split(".")),
        key=key,
        value=orjson.loads(value),
        created_at=created_at,
        updated_at=updated_at,
    )
