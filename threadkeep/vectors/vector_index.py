"""The vector index: vectors of all users in Chroma, off the event loop.

Embedded vectors belong to the process that holds the lock file; others search without them. A
Chroma server serves any number of processes, and of stores. All calls run on one thread of their
own. With static word vectors it is searched only for what the index in memory does not hold.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from langchain_core.embeddings import Embeddings

from threadkeep.base.errors import ThreadkeepError
from threadkeep.base.private_files import write_private_file
from threadkeep.vectors import collection
from threadkeep.vectors.chroma_server import ChromaServer
from threadkeep.vectors.embedded_chroma import EmbeddedChroma
from threadkeep.vectors.embeddings import (
    StaticEmbeddings,
    identity_of,
    load,
    unrelated_cosine,
)

T = TypeVar("T")
log = logging.getLogger(__name__)
REQUEST = ".forget"
"""Ends the name of a file by which a process asks the one that holds the lock to erase."""
BUSY = (
    "Another window holds the vector index: this one searches without it; "
    "what it stores is indexed by the other."
)


class BrokenVectors(Exception):
    """An owner's folder of vectors is damaged; they can be made again from the items."""


class VectorIndex:
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
        self.folder = folder
        """The folder of the embedded Chroma."""
        self.server = server
        """The address of the Chroma server, if there is one."""
        self.static = isinstance(embeddings, StaticEmbeddings)
        self._embeddings = embeddings
        self._prefix = f"u{space}"
        self._chroma = ChromaServer(server, self._prefix) if server else EmbeddedChroma(folder)
        self._requests = lock.parent
        self._lock = FileLock(lock, timeout=0, is_singleton=False, thread_local=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")
        self._broken: set[str] = set()
        self.has_damaged = False
        """Whether this process has come upon damaged vectors; they are made again."""
        """Owners whose collection could not be read: derived data, to be made again."""

    @cached_property
    def identity(self) -> str:
        """What the vectors are made with: those of two embeddings are never mixed."""
        return identity_of(self._embeddings)

    @property
    def may_come_back(self) -> bool:
        """Whether opening again may help: a server is started again, a broken folder stays so."""
        return self.server is not None

    async def open(self) -> None:
        """Take the lock and open Chroma; if that fails, say why in `notice`."""
        if not self.server:
            try:
                self._lock.acquire()
            except Timeout:
                self.notice = BUSY
                return
        try:
            await self._run(self._open)
            self.available, self.notice = True, ""
        except Exception as error:
            log.warning("Chroma does not open", exc_info=not isinstance(error, ThreadkeepError))
            self._fail(error)

    async def close(self) -> None:
        """Close Chroma and release the lock."""
        self.available = False
        await self._run(self._chroma.close)
        self._thread.shutdown()
        self._lock.release()

    def search(self, owner: str, query: str, limit: int) -> "asyncio.Future[dict[int, float]]":
        """Begin to search; the future gives the nearness of the owner's nearest items by number.

        That is their cosine on a scale on which unrelated texts have 0, and the same text has 1.
        """
        loop = asyncio.get_running_loop()
        if self.available and owner:
            return loop.run_in_executor(self._thread, self._search, owner, query, limit)
        empty: asyncio.Future[dict[int, float]] = loop.create_future()
        empty.set_result({})
        return empty

    async def put(self, owner: str, numbers: Sequence[int], texts: Sequence[str]) -> None:
        """Put vectors of texts under the numbers of their items; twice is once."""
        await self._run(self._put, owner, numbers, list(texts))

    async def delete(self, owner: str, numbers: Sequence[int]) -> None:
        """Delete the vectors of these items; absent ones are no error."""
        await self._run(self._delete, owner, numbers)

    async def clear(self) -> None:
        """Delete every vector."""
        await self._run(self._chroma.clear)

    async def count(self, owner: str) -> int:
        """Return how many vectors an owner has; 0 if Chroma is not open."""
        return await self._run(self._count, owner) if self.available else 0

    @property
    def is_outdated(self) -> bool:
        """Whether the vectors are in the layout of an earlier version, to be made again."""
        return self.available and self._chroma.is_outdated

    async def erase(self, owner: str) -> bool:
        """Delete an owner's folder, or on a server the collection.

        False if another process has the folder open: a request asks it to delete the folder.
        """
        if self.available:
            await self._run(self._chroma.erase, self._name(owner))
            return True
        if self.server is None and not await asyncio.to_thread(self.folder.exists):
            return True
        await self._request(self._name(owner), owner)
        return False

    async def has_requests(self) -> bool:
        """Tell whether another process asked to erase something."""
        return await asyncio.to_thread(lambda: any(self._requests.glob(f"*{REQUEST}")))

    async def requests(self) -> list[tuple[Path, str]]:
        """Return the requests of other processes, each with its owner, or "" for a name alone."""

        def read() -> list[tuple[Path, str]]:
            paths = list(self._requests.glob(f"*{REQUEST}"))
            return [(path, path.read_text(encoding="utf-8")) for path in paths]

        return await asyncio.to_thread(read)

    async def erase_named(self, name: str) -> None:
        """Delete the folder or collection of this name, or request it as `erase` does."""
        if self.available or self.server:
            await self._run(self._chroma.erase, name)
        else:
            await self._request(name, "")

    def take_broken(self) -> set[str]:
        """Return the owners whose vectors must be made again, once."""
        broken, self._broken = self._broken, set()
        return broken

    async def _request(self, name: str, owner: str) -> None:
        path = self._requests / f"{name}{REQUEST}"
        await asyncio.to_thread(write_private_file, path, owner)

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _open(self) -> None:
        self._chroma.open()
        load(self._embeddings)

    def _put(self, owner: str, numbers: Sequence[int], texts: list[str]) -> None:
        vectors = self._embeddings.embed_documents(texts)
        name = self._name(owner)
        with self._breaking(owner):
            collection.put(self._chroma.client(name, create=True), name, numbers, vectors)

    def _delete(self, owner: str, numbers: Sequence[int]) -> None:
        name = self._name(owner)
        with self._breaking(owner):
            if client := self._chroma.client(name, create=False):
                vectors = collection.open_collection(client, name, self._embeddings)
                vectors.delete(ids=[str(number) for number in numbers])

    def _count(self, owner: str) -> int:
        name = self._name(owner)
        try:
            with self._breaking(owner):
                client = self._chroma.client(name, create=False)
                return collection.count(client, name) if client else 0
        except BrokenVectors:
            return 0

    @contextmanager
    def _breaking(self, owner: str) -> Iterator[None]:
        """Note that the vectors of an owner must be made again, where an embedded folder fails.

        Raises:
            BrokenVectors: it does.
        """
        try:
            yield
        except Exception as error:
            if self.server:
                raise
            self._broken.add(owner)
            self.has_damaged = True
            raise BrokenVectors(f"A folder of vectors is damaged ({error}).") from None

    def _search(self, owner: str, query: str, limit: int) -> dict[int, float]:
        try:
            vector = self._embeddings.embed_query(query)
            zero = self._unrelated
        except Exception as error:
            # A server that makes vectors may be away for a moment; Chroma is as it was.
            log.warning("No vector of the query: %s", type(error).__name__)
            return {}
        name = self._name(owner)
        try:
            client = self._chroma.client(name, create=False)
            if client is None:
                return {}
            distances = collection.nearest(client, name, vector, limit, self._embeddings)
        except Exception as error:
            log.exception("Chroma does not answer")
            if self.server:
                self._fail(error)
            else:
                self._broken.add(owner)
                self.has_damaged = True
            return {}
        return {
            number: max(0.0, 1.0 - distance / (1.0 - zero))
            for number, distance in distances.items()
        }

    @cached_property
    def _unrelated(self) -> float:
        """The cosine that unrelated texts have with these embeddings."""
        return unrelated_cosine(self._embeddings)

    def _name(self, owner: str) -> str:
        """Return the name of an owner's folder and collection."""
        text = owner if self.static else f"{self.identity}\0{owner}"
        return f"{self._prefix}{sha256(text.encode()).hexdigest()[:40]}"

    def _fail(self, error: Exception) -> None:
        self.available = False
        if isinstance(error, ThreadkeepError):
            self.notice = str(error)
        elif self.server:
            self.notice = (
                f"The Chroma server {self.server!r} cannot be used ({type(error).__name__}): "
                "searching without it. Start it with: chroma run --path FOLDER."
            )
        else:
            self.notice = (
                f"The vector index {str(self.folder)!r} cannot be used ({type(error).__name__}): "
                "searching without it. Move that folder away and it is made again."
            )
