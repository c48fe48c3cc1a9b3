"""The long-term store: items in LangGraph's own store, words and vectors beside them."""

import asyncio
import contextlib
import logging
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiosqlite
from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, GetOp, Item, Op, PutOp, Result, SearchItem, SearchOp
from langgraph.store.sqlite.aio import AsyncSqliteStore

from graph.settings import Settings, make_home
from stores import words
from stores.database import open_database
from stores.embeddings import open_embeddings
from stores.ranking import Score, rank
from stores.vectors import Vectors

T = TypeVar("T")
log = logging.getLogger(__name__)
CANDIDATES = 100
BATCH = 256
BUSY_SECONDS = 10.0
CLOSE_SECONDS = 10.0
OPEN_SECONDS = 5.0
"""How long the first search waits for the vectors to open; without them it goes by words."""

Progress = Callable[[int, int], None]


class HybridStore(BaseStore):
    """LangGraph's store with a search by words and meaning.

    An item whose value has a string under "text" is found by `asearch(..., query=...)`, through
    its words at once and through its vector soon after; one put with `index=False` is not. Puts
    never wait for vectors: each leaves a mark in the transaction of its item, and a task in the
    background works the marks off, after a crash too.
    """

    supports_ttl = True

    def __init__(self, items: AsyncSqliteStore, reader: aiosqlite.Connection, vectors: Vectors):
        self.items = items
        self.vectors = vectors
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._wanted = asyncio.Event()
        self._indexing = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._opening: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""
        return self.vectors.notice

    def warm(self) -> None:
        """Begin to open the vectors in the background; the first search or put does so too."""
        if self._opening is None:
            self._opening = asyncio.create_task(self.vectors.open())
            self._worker = asyncio.create_task(self._index_behind(self._opening))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do `abatch` from another thread than the event loop's."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            raise asyncio.InvalidStateError("Inside the event loop use the async methods.")
        return asyncio.run_coroutine_threadsafe(self.abatch(ops), self._loop).result()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do a list of operations; the results are in their order."""
        ops = list(ops)
        queries = [op for op in ops if isinstance(op, SearchOp) and _is_query(op)]
        plain = [op for op in ops if not _is_query(op)]
        done = iter(await self._plain(plain) if plain else ())
        found = iter(await self._search(queries) if queries else ())
        return [next(found) if _is_query(op) else next(done) for op in ops]

    async def index_pending(self, progress: Progress | None = None) -> None:
        """Make the vectors that are still to be made; `progress` gets (done, all)."""
        await self._opened()
        async with self._indexing:
            await self._index(progress)

    async def reindex(self, progress: Progress | None = None) -> None:
        """Make words and vectors again from the items."""
        await self._opened()
        async with self._indexing:
            async with self._transaction():
                for statement in words.REBUILD:
                    await self._reader.execute(statement)
            if self.vectors.available:
                await self.vectors.clear()
                await self._write("DELETE FROM vectors_gone", [()])
            await self._index(progress)

    async def close(self) -> None:
        """Finish indexing within `CLOSE_SECONDS`; what is left keeps its mark."""
        if self._worker is None:
            return
        await self._opened()
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        if self.vectors.available:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.index_pending()

    async def _plain(self, ops: Sequence[Op]) -> list[Result]:
        results = await self._patiently(ops)
        puts = [op for op in ops if isinstance(op, PutOp)]
        hidden = [(".".join(op.namespace), op.key) for op in puts if op.index is False]
        if hidden:
            await self._write("DELETE FROM indexed WHERE prefix = ? AND key = ?", hidden)
        if len(hidden) < len(puts):
            self._wanted.set()
            self.warm()
        return results

    async def _patiently(self, ops: Sequence[Op]) -> list[Result]:
        """Do plain operations; wait for another writer as long as SQLite itself would.

        LangGraph's store begins a deferred transaction, and with a full-text table SQLite then
        refuses at once instead of waiting. Every operation may be done twice.
        """
        deadline = self._loop.time() + BUSY_SECONDS
        while True:
            try:
                return await whole(self.items.abatch(ops))
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or self._loop.time() > deadline:
                    raise
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self._writing:
            await self._reader.execute("BEGIN IMMEDIATE")
            try:
                yield
                await self._reader.execute("COMMIT")
            except BaseException:
                await self._reader.execute("ROLLBACK")
                raise

    async def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        await whole(self._written(statement, rows))

    async def _written(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        async with self._transaction():
            await self._reader.executemany(statement, rows)

    async def _opened(self, seconds: float | None = None) -> None:
        """Wait until the vectors are open, or known not to be."""
        self.warm()
        if self._opening:
            await asyncio.wait([self._opening], timeout=seconds)

    async def _search(self, ops: Sequence[SearchOp]) -> list[list[SearchItem]]:
        """Search; operations on the same owner and query share one search by meaning."""
        await self._opened(OPEN_SECONDS)
        asked = {
            (op.namespace_prefix[0], op.query or ""): None for op in ops if op.namespace_prefix
        }
        near = await asyncio.gather(
            *(self.vectors.search(owner, query, CANDIDATES) for owner, query in asked)
        )
        vectors = dict(zip(asked, near, strict=True))
        found = [
            await self._ranked(op, vectors[op.namespace_prefix[0], op.query or ""])
            if op.namespace_prefix
            else []
            for op in ops
        ]
        # What another process has stored meanwhile is ours to index.
        self._wanted.set()
        return found

    async def _ranked(self, op: SearchOp, vectors: dict[int, float]) -> list[SearchItem]:
        wanted = op.offset + op.limit
        hits = await words.search(
            self._reader, op.namespace_prefix, op.query or "", max(CANDIDATES, wanted)
        )
        scores = rank(dict(hits), vectors)
        places = await self._places(op.namespace_prefix, list(scores))
        kept = [(places[each], score) for each, score in scores.items() if each in places]
        if not op.filter:
            kept = kept[op.offset : wanted]
        got = await whole(self.items.abatch([GetOp(prefix, key) for (prefix, key), _ in kept]))
        found = [
            _search_item(item, score)
            for item, (_, score) in zip(got, kept, strict=True)
            if isinstance(item, Item) and _fits(item, op.filter)
        ]
        return found[op.offset : wanted] if op.filter else found

    async def _places(
        self, below: tuple[str, ...], ids: Sequence[int]
    ) -> dict[int, tuple[tuple[str, ...], str]]:
        """Return namespace and key of those items that lie below the namespace."""
        text = ".".join(below)
        marks = ",".join("?" * len(ids))
        rows = await self._reader.execute_fetchall(
            f"SELECT id, prefix, key FROM indexed WHERE id IN ({marks}) "
            "AND (prefix = ? OR (prefix >= ? AND prefix < ?))",
            (*ids, text, f"{text}.", f"{text}/"),
        )
        return {int(row[0]): (tuple(str(row[1]).split(".")), str(row[2])) for row in rows}

    async def _index_behind(self, opening: asyncio.Task[None]) -> None:
        await asyncio.wait([opening])
        while self.vectors.available:
            try:
                await self.index_pending()
            except Exception:
                log.exception("Indexing failed; it is tried again with the next item")
            await self._wanted.wait()
            self._wanted.clear()

    async def _index(self, progress: Progress | None = None) -> None:
        done, total = 0, 0
        while self.vectors.available and (rows := await self._pending()):
            if progress and not total:
                total = await self._count_pending()
            by_owner: dict[str, list[tuple[int, str]]] = defaultdict(list)
            for each, prefix, text in rows:
                by_owner[prefix.partition(".")[0]].append((each, text))
            for owner, pairs in by_owner.items():
                await self.vectors.put(owner, [p[0] for p in pairs], [p[1] for p in pairs])
            await self._write(
                "UPDATE indexed SET pending = 0 WHERE id = ?", [(row[0],) for row in rows]
            )
            done += len(rows)
            if progress:
                progress(done, max(done, total))
        await self._drop_gone()

    async def _pending(self) -> list[tuple[int, str, str]]:
        rows = await self._reader.execute_fetchall(
            "SELECT i.id, i.prefix, w.text FROM indexed AS i JOIN words AS w ON w.rowid = i.id "
            "WHERE i.pending ORDER BY i.id LIMIT ?",
            (BATCH,),
        )
        return [(int(row[0]), str(row[1]), str(row[2])) for row in rows]

    async def _count_pending(self) -> int:
        rows = await self._reader.execute_fetchall("SELECT count(*) FROM indexed WHERE pending")
        return int(next(iter(rows))[0])

    async def _drop_gone(self) -> None:
        while self.vectors.available:
            rows = list(
                await self._reader.execute_fetchall(
                    "SELECT id, prefix FROM vectors_gone LIMIT ?", (BATCH,)
                )
            )
            if not rows:
                return
            by_owner: dict[str, list[int]] = defaultdict(list)
            for each, prefix in rows:
                by_owner[str(prefix).partition(".")[0]].append(int(each))
            for owner, ids in by_owner.items():
                await self.vectors.delete(owner, ids)
            await self._write("DELETE FROM vectors_gone WHERE id = ?", [(row[0],) for row in rows])


@asynccontextmanager
async def open_store(
    settings: Settings, *, embeddings: Embeddings | None = None
) -> AsyncIterator[HybridStore]:
    """Open the embedded store in the data folder; Chroma opens behind it.

    Raises:
        StorageFailed: the database is broken, foreign, newer or not to be written.
    """
    await asyncio.to_thread(make_home, settings)
    vectors = Vectors(
        settings.vectors, settings.locks / "chroma.lock", embeddings or open_embeddings()
    )
    async with open_database(settings.database) as (items, reader):
        store = HybridStore(items, reader, vectors)
        try:
            yield store
        finally:
            await store.close()
            await vectors.close()


async def whole(operation: Coroutine[Any, Any, T]) -> T:
    """Let an operation finish though its caller is cancelled: half a transaction stays open."""
    task = asyncio.ensure_future(operation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _is_query(op: Op) -> bool:
    return isinstance(op, SearchOp) and bool(op.query)


def _search_item(item: Item, score: Score) -> SearchItem:
    return SearchItem(
        namespace=item.namespace,
        key=item.key,
        value=item.value,
        created_at=item.created_at,
        updated_at=item.updated_at,
        score=score.total,
    )


def _fits(item: Item, wanted: dict[str, Any] | None) -> bool:
    """Tell whether the item has the wanted values; operators as in LangGraph's stores."""
    return all(_holds(item.value.get(key), told) for key, told in (wanted or {}).items())


def _holds(value: Any, told: Any) -> bool:
    if not isinstance(told, dict) or not any(key.startswith("$") for key in told):
        return bool(value == told)
    tests: dict[str, Callable[[Any], bool]] = {
        "$eq": lambda other: value == other,
        "$ne": lambda other: value != other,
        "$gt": lambda other: value > other,
        "$gte": lambda other: value >= other,
        "$lt": lambda other: value < other,
        "$lte": lambda other: value <= other,
    }
    return all(tests[operator](other) for operator, other in told.items())
