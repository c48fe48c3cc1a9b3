"""Nearest in meaning: Chroma, one collection a user; it keeps numbers and vectors, no text.

Embedded Chroma belongs to one process: whoever holds the lock file searches and writes it,
everybody else goes without. A Chroma server serves any number of processes, and of stores: `space`
tells theirs apart. All calls run on one thread of their own, off the event loop.
With static word vectors it is asked only for what the index in memory does not hold.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from langchain_core.embeddings import Embeddings

from stores.embeddings import StaticEmbeddings

if TYPE_CHECKING:
    from chromadb import Collection

T = TypeVar("T")
log = logging.getLogger(__name__)
COLLECTIONS_KEPT = 256
COSINE = {"hnsw": {"space": "cosine"}}
BUSY = (
    "Another window holds the vector index: this one searches without it; "
    "what it stores is indexed by the other."
)


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
        self._space = f"u{space}"
        self.static = isinstance(embeddings, StaticEmbeddings)
        self._folder = folder
        self._embeddings = embeddings
        self._lock = FileLock(lock, timeout=0, is_singleton=False, thread_local=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")
        self._client: Any = None
        self._collections: dict[str, Collection] = {}

    async def open(self) -> None:
        """Take the lock and open Chroma; where that fails, say why in `notice`."""
        if not self._server:
            try:
                self._lock.acquire()
            except Timeout:
                self.notice = BUSY
                return
        try:
            await self._do(self._connect)
            self.available = True
        except Exception as error:
            log.exception("Chroma does not open")
            self._gave_up(error)

    async def close(self) -> None:
        """Let go of Chroma and of the lock."""
        self.available = False
        if self._client is not None:
            await self._do(self._disconnect)
        self._thread.shutdown()
        self._lock.release()

    def search(self, owner: str, query: str, limit: int) -> "asyncio.Future[dict[int, float]]":
        """Begin to search; the future gives cosines by item number of the owner's nearest items."""
        loop = asyncio.get_running_loop()
        if self.available and owner:
            return loop.run_in_executor(self._thread, self._search, owner, query, limit)
        nothing: asyncio.Future[dict[int, float]] = loop.create_future()
        nothing.set_result({})
        return nothing

    async def put(self, owner: str, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Put vectors of texts under these ids; twice is once."""
        await self._do(self._put, owner, ids, texts)

    async def delete(self, owner: str, ids: Sequence[int]) -> None:
        """Delete the vectors under these ids; those that are not there are no error."""
        await self._do(self._delete, owner, ids)

    async def clear(self) -> None:
        """Delete every vector."""
        await self._do(self._clear)

    async def _do(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _gave_up(self, error: Exception) -> None:
        self.available = False
        if self._server:
            self.notice = (
                f"The Chroma server {self._server!r} cannot be used ({type(error).__name__}): "
                "searching by words only. Start it with: chroma run --path FOLDER."
            )
            return
        self.notice = (
            f"The vector index {str(self._folder)!r} cannot be used ({type(error).__name__}): "
            "searching without it. Move that folder away and it is made again."
        )

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._server:
            parts = urlsplit(self._server)
            secure = parts.scheme == "https"
            self._client = chromadb.HttpClient(
                parts.hostname or "", parts.port or (443 if secure else 80), secure, None, settings
            )
        else:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._client = chromadb.PersistentClient(str(self._folder), settings)
        self._embeddings.embed_query("warm")

    def _disconnect(self) -> None:
        self._collections.clear()
        self._client.close()
        self._client = None

    def _collection(self, owner: str) -> "Collection":
        if owner not in self._collections:
            if len(self._collections) >= COLLECTIONS_KEPT:
                self._collections.clear()
            self._collections[owner] = self._client.get_or_create_collection(
                self._named(owner), embedding_function=None, configuration=COSINE
            )
        return self._collections[owner]

    def _search(self, owner: str, query: str, limit: int) -> dict[int, float]:
        try:
            found: dict[str, Any] = self._collection(owner).query(  # type: ignore[assignment]
                query_embeddings=list(self._embeddings.embed_query(query)),
                n_results=limit,
                include=["distances"],
            )
        except Exception as error:
            log.exception("Chroma does not answer")
            self._gave_up(error)
            return {}
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return {int(each): 1.0 - distance for each, distance in pairs}

    def _put(self, owner: str, ids: Sequence[int], texts: Sequence[str]) -> None:
        self._collection(owner).upsert(
            ids=[str(each) for each in ids],
            embeddings=self._embeddings.embed_documents(list(texts)),  # type: ignore[arg-type]
        )

    def _delete(self, owner: str, ids: Sequence[int]) -> None:
        self._collection(owner).delete(ids=[str(each) for each in ids])

    def _clear(self) -> None:
        self._collections.clear()
        while ours := [
            collection.name
            for collection in self._client.list_collections()
            if collection.name.startswith(self._space)
        ]:
            for name in ours:
                self._client.delete_collection(name)

    def _named(self, owner: str) -> str:
        return f"{self._space}{sha256(owner.encode()).hexdigest()[:40]}"
