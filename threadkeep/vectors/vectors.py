"""Nearest in meaning: Chroma off the event loop, and held by one process at a time.

Embedded Chroma belongs to one process: whoever holds the lock file searches and writes it,
everybody else goes without. A Chroma server serves any number of processes, and of stores: `space`
tells theirs apart. All calls run on one thread of their own, off the event loop.
With static word vectors it is asked only for what the index in memory does not hold.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from langchain_core.embeddings import Embeddings

from threadkeep.base.errors import ThreadkeepError
from threadkeep.vectors.chroma import Collections
from threadkeep.vectors.chroma_files import zeroed_space
from threadkeep.vectors.embeddings import StaticEmbeddings

T = TypeVar("T")
log = logging.getLogger(__name__)
FORGET, WHOLE = ".forget", "whole"
BUSY = (
    "Another window holds the vector index: this one searches without it; "
    "what it stores is indexed by the other."
)


class VectorsLost(Exception):
    """No vector is left of anybody: all are to be made again from the items."""


class Vectors:
    """The vectors of all users; `available` once they are open in this process."""

    def __init__(
        self,
        folder: Path,
        lock: Path,
        embeddings: Embeddings,
        *,
        server: str | None = None,
        space: str = "",
    ) -> None:
        self.available = False
        self.notice = ""
        self._server = server
        self.static = isinstance(embeddings, StaticEmbeddings)
        self._folder = folder
        self._marks = lock.parent
        self._chroma = Collections(folder, embeddings, server=server, space=space)
        self._lock = FileLock(lock, timeout=0, is_singleton=False, thread_local=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")

    @property
    def identity(self) -> str:
        """Of the embeddings, once Chroma is open: vectors of two are never in one collection."""
        return self._chroma.identity

    @property
    def may_come_back(self) -> bool:
        """Whether opening again may help: a server is started again, a broken folder stays so."""
        return self._server is not None

    async def open(self) -> None:
        """Take the lock and open Chroma; where that fails, say why in `notice`."""
        if not self._server:
            try:
                self._lock.acquire()
            except Timeout:
                self.notice = BUSY
                return
        try:
            await self._do(self._chroma.connect)
            self.available, self.notice = True, ""
        except Exception as error:
            log.warning("Chroma does not open", exc_info=not isinstance(error, ThreadkeepError))
            self._gave_up(error)

    async def close(self) -> None:
        """Let go of Chroma and of the lock."""
        self.available = False
        if self._chroma.client is not None:
            await self._do(self._chroma.disconnect)
        self._thread.shutdown()
        self._lock.release()

    def search(self, owner: str, query: str, limit: int) -> "asyncio.Future[dict[int, float]]":
        """Begin to search; the future gives the nearness of the owner's nearest items by number.

        That is their cosine on a scale on which unrelated texts have 0, and the same text has 1.
        """
        loop = asyncio.get_running_loop()
        if self.available and owner:
            return loop.run_in_executor(
                self._thread, self._zeroed, self._search, owner, query, limit
            )
        nothing: asyncio.Future[dict[int, float]] = loop.create_future()
        nothing.set_result({})
        return nothing

    async def put(self, owner: str, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Put vectors of texts under these ids; twice is once."""
        await self._do(self._chroma.put, owner, ids, texts)

    async def delete(self, owner: str, ids: Sequence[int]) -> None:
        """Delete the vectors under these ids; those that are not there are no error."""
        await self._do(self._chroma.delete, owner, ids)

    async def clear(self) -> None:
        """Delete every vector."""
        await self._do(self._chroma.clear)

    @property
    def server(self) -> str | None:
        """The address of the Chroma server, where there is one."""
        return self._server

    @property
    def folder(self) -> Path:
        """The folder of the embedded Chroma."""
        return self._folder

    async def forget(self, owner: str, *, whole: bool) -> bool:
        """Leave no byte of the vectors that an owner no longer has, or with `whole` of any.

        Where another process has Chroma open, a mark tells it to do so; then the answer is False.
        """
        name = self._chroma.named(owner)
        if self.available:
            if await self._do(self._chroma.forget, name, whole):
                raise VectorsLost
            return True
        if self._server is None and not await asyncio.to_thread(self._folder.exists):
            return True
        mark = self._marks / f"{name}{FORGET}"
        await asyncio.to_thread(mark.write_text, WHOLE if whole else "", encoding="utf-8")
        return False

    async def has_marks(self) -> bool:
        """Tell whether a mark asks to forget something."""
        return await asyncio.to_thread(lambda: any(self._marks.glob(f"*{FORGET}")))

    async def forget_marked(self) -> None:
        """Do what marks ask for that processes left which could not do it themselves."""
        for mark in await asyncio.to_thread(lambda: list(self._marks.glob(f"*{FORGET}"))):
            whole = await asyncio.to_thread(mark.read_text, encoding="utf-8") == WHOLE
            lost = await self._do(self._chroma.forget, mark.name.removesuffix(FORGET), whole)
            await asyncio.to_thread(mark.unlink, missing_ok=True)
            if lost:
                raise VectorsLost

    async def count(self, owner: str) -> int:
        """Return how many vectors an owner has; 0 where Chroma is not open."""
        return (
            await self._do(self._chroma.count, self._chroma.named(owner)) if self.available else 0
        )

    async def _do(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._zeroed, work, *args
        )

    def _zeroed(self, work: Callable[..., T], *args: Any) -> T:
        """Do it so that Chroma writes out nothing that this process had in its memory before."""
        if self._server:
            return work(*args)
        with zeroed_space():
            return work(*args)

    def _gave_up(self, error: Exception) -> None:
        self.available = False
        if isinstance(error, ThreadkeepError):
            self.notice = str(error)
            return
        if self._server:
            self.notice = (
                f"The Chroma server {self._server!r} cannot be used ({type(error).__name__}): "
                "searching without it. Start it with: chroma run --path FOLDER."
            )
            return
        self.notice = (
            f"The vector index {str(self._folder)!r} cannot be used ({type(error).__name__}): "
            "searching without it. Move that folder away and it is made again."
        )

    def _search(self, owner: str, query: str, limit: int) -> dict[int, float]:
        try:
            asked, usual = self._chroma.embed(query)
        except Exception as error:
            # A server that makes vectors may be away for a moment; Chroma is as it was.
            log.warning("No vector of the query: %s", type(error).__name__)
            return {}
        try:
            return self._chroma.search(owner, asked, usual, limit)
        except Exception as error:
            log.exception("Chroma does not answer")
            self._gave_up(error)
            return {}
