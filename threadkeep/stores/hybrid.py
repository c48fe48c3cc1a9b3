"""The long-term store: items in LangGraph's own store, words and vectors beside them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langgraph.store.base import (
    BaseStore,
    GetOp,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)

from threadkeep.base.clock import Clock
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.predicates import read_predicates
from threadkeep.base.settings import Settings
from threadkeep.base.sync_calls import wait_on
from threadkeep.search.item_search import ItemSearch
from threadkeep.search.memory_indexes import MemoryIndexes
from threadkeep.stores.dependencies import Dependencies
from threadkeep.stores.indexing import Indexing, Progress
from threadkeep.stores.item_text import is_foreign
from threadkeep.stores.items import Index, Items, open_items, space_of
from threadkeep.stores.merging import MergingQueue
from threadkeep.stores.operations import (
    is_internal,
    validate_op,
    with_internal,
    without_internal,
)
from threadkeep.vectors.embeddings import open_embeddings
from threadkeep.vectors.vector_index import VectorIndex

log = logging.getLogger(__name__)
INDEXING_PAUSE_SECONDS = 0.2
INDEXING_DELAY_SECONDS = 10.0
"""So long a process lives before it makes vectors that no search waits for."""
MAX_UNINDEXED_AT_EXIT = 500
"""With fewer vectors to be made, a process that ends before then leaves them to another."""
REOPEN_SECONDS = 10.0
"""After so long a Chroma server that did not answer is tried again."""
CANCEL_SECONDS = 0.2
CLOSE_SECONDS = 10.0
WARM_SECONDS = 0.5
"""After so long a search that waits for an index in memory may want the vectors instead."""
OPEN_SECONDS = 5.0
"""How long the first search waits for the vectors to open; without them it goes by words."""


class HybridStore(BaseStore):
    """LangGraph's store with a search by words and meaning.

    An item is found by `asearch(..., query=...)` by all strings of its value, or by those at the
    paths of `index=[...]`, through its words at once and through its vector soon after; one put
    with `index=False` is not. Puts never wait for vectors: each leaves a pending index entry in the
    transaction of its item, and a task in the background makes the vector, after a crash too.
    """

    supports_ttl = True

    def __init__(
        self, items: Items, index: Index, vectors: VectorIndex, dependencies: Dependencies
    ) -> None:
        self.dependencies = dependencies
        self.items = items
        self._queue = MergingQueue(items.abatch)
        self.index = index
        self.vectors = vectors
        self.indexes = MemoryIndexes(index)
        self.searcher = ItemSearch(
            index,
            self.indexes,
            self._nearest,
            items.extend,
            static=vectors.static,
            any_word=is_foreign,
        )
        self.indexing = Indexing(items, index, vectors)
        self._loop = asyncio.get_running_loop()
        self._opening: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None

    @property
    def internal(self) -> BaseStore:
        """The store in which what stands beside the items is reached: secret, tokens, erasures."""
        return self.items

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""
        return self.vectors.notice or self.indexing.notice

    @property
    def opened(self) -> bool:
        """Whether the vectors are open by now, or known not to be."""
        return self._opening is not None and self._opening.done()

    def warm(self) -> None:
        """Begin to open the vectors in the background."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_vectors())
            self.start_indexing()

    def start_indexing(self) -> None:
        """Start to make vectors in the background: later, if no search waits for them.

        Opening Chroma keeps two cores busy for seconds; most commands end before.
        """
        if self._worker is None:
            self._worker = asyncio.create_task(self._run_indexing())

    async def _open_vectors(self) -> None:
        await self.vectors.open()
        await self.indexing.read_identity()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do `abatch` from another thread than the event loop's.

        Raises:
            InvalidStateError: it is called on the event loop, which it would block for ever.
        """
        return wait_on(self._loop, lambda: self.abatch(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do a list of operations; the results are in their order.

        What the store keeps for itself is neither found nor listed.

        Raises:
            ValueError: an operation cannot be done, see `validate_op`; then none is.
            AccessRefused: one writes to what the store keeps for itself; then none is done.
        """
        ops = [validate_op(op) for op in ops]
        queries = [op for op in ops if isinstance(op, SearchOp) and _is_query(op)]
        others = [op for op in ops if not _is_query(op)]
        if any(isinstance(op, PutOp) for op in others):
            results, items = await self._other_ops(others), await self._search(queries)
        else:
            items, results = await asyncio.gather(self._search(queries), self._other_ops(others))
        next_result, next_items = iter(results), iter(items)
        return [next(next_items) if _is_query(op) else next(next_result) for op in ops]

    async def index_pending(self, progress: Progress | None = None) -> None:
        """Make the vectors that are still to be made; `progress` gets (done, all)."""
        await self._wait_for_vectors()
        await self.indexing.index_pending(progress)
        await self.indexes.refresh()

    async def reindex(self, progress: Progress | None = None) -> None:
        """Make words and vectors again from the items."""
        await self._wait_for_vectors()
        await self.indexing.rebuild(progress)

    async def count_vectors(self, owner: str) -> int:
        """Return how many vectors an owner has; 0 where they cannot be opened."""
        await self._wait_for_vectors()
        return await self.vectors.count(owner)

    async def erase_index(self, owner: str) -> bool:
        """Delete an owner's indexes; vectors of the items that stay are made again.

        False if another process has the vectors open, which is requested to do it.
        """
        self.indexes.evict(owner)
        await self._wait_for_vectors()
        return await self.indexing.erase(owner)

    async def drop_vectors(self, names: Collection[str]) -> None:
        """Delete folders of vectors, by name; they are made again from the items."""
        await self._wait_for_vectors()
        await self.indexing.drop(names)

    async def sweep(self) -> int:
        """Delete the items that have expired; return how many that was."""
        return await self.items.sweep_ttl()

    async def close(self) -> None:
        """Finish indexing within `CLOSE_SECONDS`; the rest stays pending."""
        await self.indexes.close()
        if self._worker is None:
            return
        if self._opening is None and await self.index.count_pending() < MAX_UNINDEXED_AT_EXIT:
            self._worker.cancel()
            await asyncio.wait([self._worker])
            return
        await self._wait_for_vectors()
        while not self._worker.done():
            # More than once: a driver may take a cancellation for a failure of the server.
            self._worker.cancel()
            await asyncio.wait([self._worker], timeout=CANCEL_SECONDS)
        if self.vectors.available:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.index_pending()
            except TimeoutError:
                pass
            except Exception as error:
                # Vectors are made from the items: what is pending, the next process makes.
                log.warning("Vectors are left pending (%s)", type(error).__name__)

    async def _other_ops(self, ops: Sequence[Op]) -> list[Result]:
        if not ops:
            return []
        listed = [with_internal(op) if isinstance(op, ListNamespacesOp) else op for op in ops]
        results = await self._queue.run(listed)
        results = [_own_result(op, result) for op, result in zip(ops, results, strict=True)]
        if any(isinstance(op, PutOp) and op.index is not False for op in ops):
            self.indexing.wakeup.set()
            self.start_indexing()
        return results

    async def _search(self, ops: Sequence[SearchOp]) -> list[list[SearchItem]]:
        if not ops:
            return []
        # A search does not wait for an index that takes long to read.
        late = self._loop.call_later(WARM_SECONDS, self.warm)
        try:
            return await self.searcher.search(ops)
        finally:
            late.cancel()
            # Another process may have stored items meanwhile: index them too.
            self.indexing.wakeup.set()

    async def _wait_for_vectors(self, seconds: float | None = None) -> None:
        """Wait until the vectors are open, or known not to be."""
        self.warm()
        if self._opening and not self._opening.done():
            await asyncio.wait([self._opening], timeout=seconds)

    async def _nearest(self, owner: str, query: str, limit: int) -> dict[int, float]:
        """Return what is nearest by item number, as far as all vectors are made."""
        await self._wait_for_vectors(OPEN_SECONDS)
        return await self.vectors.search(owner, query, limit) if self.indexing.complete else {}

    async def _run_indexing(self) -> None:
        if self._opening is None and self.vectors.static and not await self.vectors.has_requests():
            await asyncio.sleep(INDEXING_DELAY_SECONDS)
        await self._wait_for_vectors()
        while self.vectors.available or self.vectors.may_come_back:
            if not self.vectors.available:
                await asyncio.sleep(REOPEN_SECONDS)
                await self.vectors.open()
                continue
            try:
                await self.index_pending()
            except Exception:
                log.exception("Indexing failed; it is tried again with the next item")
            await self.indexing.wakeup.wait()
            # The caller is still working, on the same two or four cores.
            await asyncio.sleep(INDEXING_PAUSE_SECONDS)
            self.indexing.wakeup.clear()


@asynccontextmanager
async def open_store(
    settings: Settings,
    *,
    embeddings: Embeddings | None = None,
    model: BaseChatModel | str | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[HybridStore]:
    """Open the store on its database; Chroma opens behind it.

    `model` answers in graphs that are compiled with this store, where a run names no other.
    `embeddings` and `clock` take the place of those of the settings.

    Raises:
        StorageFailed: the database is broken, foreign, newer, not to be reached or written.
        BadInput: the user's own predicates cannot be used.
    """
    if settings.item_database.kind == "memory":
        with TemporaryDirectory() as folder:
            changes = {"home": Path(folder), "checkpoints": None, "items": None}
            own = settings.model_copy(update=changes)
            async with open_store(own, embeddings=embeddings, model=model, clock=clock) as store:
                yield store
        return
    predicates = await asyncio.to_thread(read_predicates, settings.predicates)
    await asyncio.to_thread(create_data_folder, settings)
    async with open_items(settings.item_database) as (items, index):
        vectors = VectorIndex(
            settings.vectors,
            settings.locks / "chroma.lock",
            embeddings or open_embeddings(settings),
            server=settings.chroma_url,
            space=await space_of(items) if settings.chroma_url else "",
        )
        dependencies = Dependencies(
            settings=settings,
            model=model,
            clock=clock or settings.clock,
            predicates=predicates,
        )
        store = HybridStore(items, index, vectors, dependencies)
        await store.sweep()
        try:
            yield store
        finally:
            await store.close()
            await vectors.close()


def _own_result(op: Op, result: Any) -> Any:
    """Return the result of an operation without what the store keeps for itself."""
    if isinstance(op, ListNamespacesOp):
        return without_internal(op, result)
    if isinstance(op, GetOp) and is_internal(op.namespace):
        return None
    if isinstance(op, SearchOp) and is_internal(op.namespace_prefix):
        return []
    return result


def _is_query(op: Op) -> bool:
    return isinstance(op, SearchOp) and bool(op.query)
