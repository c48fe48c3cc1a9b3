"""One owner's collection in Chroma, through langchain-chroma; every call blocks.

It holds vectors under the numbers of items, and no text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

if TYPE_CHECKING:
    from langchain_chroma import Chroma

COSINE = {"hnsw": {"space": "cosine"}}


def open_collection(client: Any, name: str, embeddings: Embeddings) -> "Chroma":
    """Open a collection, made if it is not there."""
    from langchain_chroma import Chroma

    return Chroma(
        collection_name=name,
        embedding_function=embeddings,
        client=client,
        collection_configuration=COSINE,  # type: ignore[arg-type]
    )


def put(client: Any, name: str, numbers: Sequence[int], vectors: list[list[float]]) -> None:
    """Put vectors under the numbers of their items; a vector of the same number is replaced."""
    ids = [str(number) for number in numbers]
    embeddings = KnownVectors(dict(zip(ids, vectors, strict=True)))
    open_collection(client, name, embeddings).add_texts(ids, ids=ids)


def nearest(
    client: Any, name: str, query: list[float], limit: int, embeddings: Embeddings
) -> dict[int, float]:
    """Return the cosine distances of the nearest vectors by item number."""
    collection = open_collection(client, name, embeddings)
    rows = collection.similarity_search_by_vector_with_relevance_scores(query, k=limit)
    return {int(document.id or 0): distance for document, distance in rows}


def count(client: Any, name: str) -> int:
    """Return how many vectors a collection has; 0 if it is not there."""
    from chromadb.errors import NotFoundError

    try:
        return int(client.get_collection(name, embedding_function=None).count())
    except NotFoundError:
        return 0


class KnownVectors(Embeddings):
    """Vectors that were made already, by the id that stands in for a text."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of ids."""
        return [self._vectors[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of an id."""
        return self._vectors[text]
