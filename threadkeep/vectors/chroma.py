"""Chroma through langchain-chroma, one collection a user; every call blocks.

It keeps vectors under the numbers of items and no text: what is forgotten was never there.
"""

import logging
import shutil
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_core.embeddings import Embeddings

from threadkeep.base.errors import StorageFailed
from threadkeep.vectors.chroma_files import RENEWED, keep_space_apart, renew, scrub_folder
from threadkeep.vectors.embeddings import (
    OpenAIVectors,
    StaticEmbeddings,
    identity_of,
    unrelated_cosine,
)

if TYPE_CHECKING:
    from langchain_chroma import Chroma

log = logging.getLogger(__name__)
ANSWER_SECONDS = 30.0
"""So long a Chroma server may take for one request."""
COSINE = {"hnsw": {"space": "cosine"}}


class Collections:
    """The vectors of all users in an embedded Chroma, or on a server among those of other stores.

    `space` tells the collections of this store from another's.
    """

    def __init__(
        self, folder: Path, embeddings: Embeddings, *, server: str | None, space: str
    ) -> None:
        self.identity = ""
        """Of the embeddings, once Chroma is open: vectors of two are never in one collection."""
        self.client: Any = None
        self._folder = folder
        self._embeddings = embeddings
        self._server = server
        self._space = f"u{space}"

    def connect(self) -> None:
        """Open Chroma, and load the model."""
        if self.client is not None:
            self.disconnect()
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._server:
            parts = urlsplit(self._server)
            secure = parts.scheme == "https"
            self.client = chromadb.HttpClient(
                parts.hostname or "", parts.port or (443 if secure else 80), secure, None, settings
            )
            self.client._server._session.timeout = ANSWER_SECONDS
        else:
            keep_space_apart()
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self.client = chromadb.PersistentClient(str(self._folder), settings)
        self.identity = identity_of(self._embeddings)
        if not isinstance(self._embeddings, OpenAIVectors):
            self._embeddings.embed_query("warm")

    def disconnect(self) -> None:
        """Let go of Chroma."""
        client, self.client = self.client, None
        session = client._server._session if self._server else None
        client.close()
        # Chroma's HTTP client neither gives up waiting nor closes its connections, and offers no
        # way to; other clients of this process may still use the same ones.
        if session is not None and client._identifier not in client._identifier_to_system:
            session.close()

    def embed(self, query: str) -> tuple[list[float], float]:
        """Return the vector of a query, and the cosine that unrelated texts have."""
        return self._embeddings.embed_query(query), self._usual

    def search(self, owner: str, asked: list[float], usual: float, limit: int) -> dict[int, float]:
        """Return the nearness of the nearest items by number; see `Vectors.search`."""
        collection = self._collection(owner, self._embeddings)
        found = collection.similarity_search_by_vector_with_relevance_scores(asked, k=limit)
        return {
            int(document.id or 0): max(0.0, 1.0 - distance / (1.0 - usual))
            for document, distance in found
        }

    def put(self, owner: str, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Put vectors of texts under these ids."""
        numbers = [str(each) for each in ids]
        vectors = self._embeddings.embed_documents(list(texts))
        given = _Given(dict(zip(numbers, vectors, strict=True)))
        self._collection(owner, given).add_texts(numbers, ids=numbers)

    def delete(self, owner: str, ids: Sequence[int]) -> None:
        """Delete the vectors under these ids."""
        self._collection(owner, self._embeddings).delete(ids=[str(each) for each in ids])

    def clear(self) -> None:
        """Delete all collections of this store."""
        while ours := [
            collection.name
            for collection in self.client.list_collections()
            if collection.name.startswith(self._space)
        ]:
            for name in ours:
                self.client.delete_collection(name)

    def forget(self, name: str, whole: bool) -> bool:
        """Forget a collection's vectors; tell whether everybody's must be made again."""
        if whole:
            for each in self.client.list_collections():
                if each.name in (name, f"{name}{RENEWED}"):
                    self.client.delete_collection(each.name)
        else:
            renew(self.client, name, COSINE)
        if self._server is not None:
            return False
        self.disconnect()
        try:
            scrub_folder(self._folder)
        except StorageFailed:
            log.exception("Chroma cannot be cleaned; it is made again")
            shutil.rmtree(self._folder)
            return True
        finally:
            self.connect()
        return False

    def count(self, name: str) -> int:
        """Return how many vectors a collection has; 0 where it is not there."""
        for each in self.client.list_collections():
            if each.name == name:
                return int(each.count())
        return 0

    def named(self, owner: str) -> str:
        """Return the name of an owner's collection."""
        static = isinstance(self._embeddings, StaticEmbeddings)
        whose = owner if static else f"{self.identity}\0{owner}"
        return f"{self._space}{sha256(whose.encode()).hexdigest()[:40]}"

    @cached_property
    def _usual(self) -> float:
        return unrelated_cosine(self._embeddings)

    def _collection(self, owner: str, embeddings: Embeddings) -> "Chroma":
        from langchain_chroma import Chroma

        return Chroma(
            collection_name=self.named(owner),
            embedding_function=embeddings,
            client=self.client,
            collection_configuration=COSINE,  # type: ignore[arg-type]
        )


class _Given(Embeddings):
    """Vectors that are known already, by the number that stands in for a text."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._vectors[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._vectors[text]
