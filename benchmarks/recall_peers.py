"""Older ways to recall, on the same messages: newest, BM25, Chroma over exchanges, and RRF."""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence

import chromadb
import numpy as np
from chromadb.config import Settings
from langgraph.store.base import Item

from benchmarks.locomo import Asked, Question
from threadkeep.vectors.embeddings import StaticEmbeddings

PAIRS = 3
"""What VectorStoreRetrieverMemory brings back by default, at most."""
RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""


class Peers:
    """The peers by name, each a function from a question to message ids, the best first."""

    def __init__(self, asked: Asked) -> None:
        self._messages = asked.messages
        self._embeddings = StaticEmbeddings()
        self._words = sqlite3.connect(":memory:")
        self._words.execute(
            "CREATE VIRTUAL TABLE words USING fts5 (owner UNINDEXED, id UNINDEXED, text, "
            'tokenize = "porter unicode61")'
        )
        self._pairs: dict[str, list[list[str]]] = {}
        self._chroma = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
        for owner, items in asked.messages.items():
            self._words.executemany(
                "INSERT INTO words VALUES (?, ?, ?)",
                [(owner, item.key, item.value["text"]) for item in items],
            )
            self._embed(owner, items)
        self.orders: dict[str, Callable[[Question], Sequence[str]]] = {
            "newest": self.newest,
            "bm25": self.bm25,
            "vector_pairs_k3": lambda question: self.vector_pairs(question, PAIRS),
            "rrf": self.rrf,
        }

    def close(self) -> None:
        """Let go of the full-text index."""
        self._words.close()

    def newest(self, question: Question) -> list[str]:
        """Return the newest messages."""
        return [item.key for item in reversed(self._messages[question.owner])]

    def bm25(self, question: Question) -> list[str]:
        """Return single messages by SQLite's BM25 over all words of the question."""
        wanted = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question.text))
        rows = self._words.execute(
            "SELECT id FROM words WHERE words MATCH ? AND owner = ? ORDER BY rank LIMIT 100",
            (wanted, question.owner),
        )
        return [str(row[0]) for row in rows]

    def vector_pairs(self, question: Question, count: int) -> list[str]:
        """Return the messages of the nearest exchanges, by Chroma's cosine of static vectors."""
        collection = self._chroma.get_collection(_named(question.owner), embedding_function=None)
        query = np.array(self._embeddings.embed_query(question.text), dtype=np.float32)
        found = collection.query(query_embeddings=query, n_results=count, include=[])
        return [each for pair in found["ids"][0] for each in self._pairs[question.owner][int(pair)]]

    def rrf(self, question: Question) -> list[str]:
        """Return the reciprocal rank fusion of BM25 and vectors."""
        scores: dict[str, float] = defaultdict(float)
        for order in (self.bm25(question), self.vector_pairs(question, 50)):
            for rank, each in enumerate(order, start=1):
                scores[each] += 1 / (RRF_K + rank)
        return sorted(scores, key=lambda each: -scores[each])

    def _embed(self, owner: str, items: Sequence[Item]) -> None:
        pairs = [items[at : at + 2] for at in range(0, len(items), 2)]
        texts = ["\n".join(str(item.value["text"]) for item in pair) for pair in pairs]
        self._pairs[owner] = [[item.key for item in pair] for pair in pairs]
        collection = self._chroma.create_collection(
            _named(owner), configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        vectors = np.array(self._embeddings.embed_documents(texts), dtype=np.float32)
        collection.add(ids=[str(number) for number in range(len(pairs))], embeddings=vectors)


def _named(owner: str) -> str:
    return f"peer-{owner}"
