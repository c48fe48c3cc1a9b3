"""Nearest in meaning: Chroma through langchain-chroma, one collection a user.

It keeps vectors under the numbers of items and no text: what is forgotten was never there.

Embedded Chroma belongs to one process: whoever holds the lock file searches and writes it,
everybody else goes without. A Chroma server serves any number of processes, and of stores: `space`
tells theirs apart. All calls run on one thread of their own, off the event loop.
With static word vectors it is asked only for what the index in memory does not hold.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from langchain_core.embeddings import Embeddings

from graph.errors import StorageFailed, ThreadkeepError
from stores.chroma_files import RENEWED, keep_space_apart, renew, scrub_folder, zeroed_space
from stores.embeddings import OpenAIVectors, StaticEmbeddings, identity_of, unrelated_cosine

if TYPE_CHECKING:
    from langchain_chroma import Chroma

T = TypeVar("T")
log = logging.getLogger(__name__)
ANSWER_SECONDS = 30.0
"""So long a Chroma server may take for one request."""
COSINE = {"hnsw": {"space": "cosine"}}
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
        self._space = f"u{space}"
        self.static = isinstance(embeddings, StaticEmbeddings)
        self.identity = ""
        """Of the embeddings, once Chroma is open: vectors of two are never in one collection."""
        self._folder = folder
        self._marks = lock.parent
        self._embeddings = embeddings
        self._lock = FileLock(lock, timeout=0, is_singleton=False, thread_local=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chroma")
        self._client: Any = None

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
            await self._do(self._connect)
            self.available, self.notice = True, ""
        except Exception as error:
            log.warning("Chroma does not open", exc_info=not isinstance(error, ThreadkeepError))
            self._gave_up(error)

    async def close(self) -> None:
        """Let go of Chroma and of the lock."""
        self.available = False
        if self._client is not None:
            await self._do(self._disconnect)
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
        await self._do(self._put, owner, ids, texts)

    async def delete(self, owner: str, ids: Sequence[int]) -> None:
        """Delete the vectors under these ids; those that are not there are no error."""
        await self._do(self._delete, owner, ids)

    async def clear(self) -> None:
        """Delete every vector."""
        await self._do(self._clear)

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
        name = self._named(owner)
        if self.available:
            if await self._do(self._forget, name, whole):
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
            lost = await self._do(self._forget, mark.name.removesuffix(FORGET), whole)
            await asyncio.to_thread(mark.unlink, missing_ok=True)
            if lost:
                raise VectorsLost

    async def count(self, owner: str) -> int:
        """Return how many vectors an owner has; 0 where Chroma is not open."""
        return await self._do(self._count, self._named(owner)) if self.available else 0

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

    def _connect(self) -> None:
        if self._client is not None:
            self._disconnect()
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._server:
            parts = urlsplit(self._server)
            secure = parts.scheme == "https"
            self._client = chromadb.HttpClient(
                parts.hostname or "", parts.port or (443 if secure else 80), secure, None, settings
            )
            self._client._server._session.timeout = ANSWER_SECONDS
        else:
            keep_space_apart()
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._client = chromadb.PersistentClient(str(self._folder), settings)
        self.identity = identity_of(self._embeddings)
        if not isinstance(self._embeddings, OpenAIVectors):
            self._embeddings.embed_query("warm")

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        session = client._server._session if self._server else None
        client.close()
        # Chroma's HTTP client neither gives up waiting nor closes its connections, and offers no
        # way to; other clients of this process may still use the same ones.
        if session is not None and client._identifier not in client._identifier_to_system:
            session.close()

    def _collection(self, owner: str, embeddings: Embeddings) -> "Chroma":
        from langchain_chroma import Chroma

        return Chroma(
            collection_name=self._named(owner),
            embedding_function=embeddings,
            client=self._client,
            collection_configuration=COSINE,  # type: ignore[arg-type]
        )

    def _search(self, owner: str, query: str, limit: int) -> dict[int, float]:
        try:
            asked, usual = self._embeddings.embed_query(query), self._usual
        except Exception as error:
            # A server that makes vectors may be away for a moment; Chroma is as it was.
            log.warning("No vector of the query: %s", type(error).__name__)
            return {}
        try:
            collection = self._collection(owner, self._embeddings)
            found = collection.similarity_search_by_vector_with_relevance_scores(asked, k=limit)
        except Exception as error:
            log.exception("Chroma does not answer")
            self._gave_up(error)
            return {}
        return {
            int(document.id or 0): max(0.0, 1.0 - distance / (1.0 - usual))
            for document, distance in found
        }

    @cached_property
    def _usual(self) -> float:
        return unrelated_cosine(self._embeddings)

    def _put(self, owner: str, ids: Sequence[int], texts: Sequence[str]) -> None:
        numbers = [str(each) for each in ids]
        vectors = self._embeddings.embed_documents(list(texts))
        given = _Given(dict(zip(numbers, vectors, strict=True)))
        self._collection(owner, given).add_texts(numbers, ids=numbers)

    def _delete(self, owner: str, ids: Sequence[int]) -> None:
        self._collection(owner, self._embeddings).delete(ids=[str(each) for each in ids])

    def _clear(self) -> None:
        while ours := [
            collection.name
            for collection in self._client.list_collections()
            if collection.name.startswith(self._space)
        ]:
            for name in ours:
                self._client.delete_collection(name)

    def _forget(self, name: str, whole: bool) -> bool:
        """Forget a collection's vectors; tell whether everybody's must be made again."""
        if whole:
            for each in self._client.list_collections():
                if each.name in (name, f"{name}{RENEWED}"):
                    self._client.delete_collection(each.name)
        else:
            renew(self._client, name, COSINE)
        if self._server is not None:
            return False
        self._disconnect()
        try:
            scrub_folder(self._folder)
        except StorageFailed:
            log.exception("Chroma cannot be cleaned; it is made again")
            shutil.rmtree(self._folder)
            return True
        finally:
            self._connect()
        return False

    def _count(self, name: str) -> int:
        for each in self._client.list_collections():
            if each.name == name:
                return int(each.count())
        return 0

    def _named(self, owner: str) -> str:
        whose = owner if self.static else f"{self.identity}\0{owner}"
        return f"{self._space}{sha256(whose.encode()).hexdigest()[:40]}"


class _Given(Embeddings):
    """Vectors that are known already, by the number that stands in for a text."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._vectors[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._vectors[text]
