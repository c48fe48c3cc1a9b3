"""Older ways to recall, on the same messages: newest, BM25, Chroma over exchanges, and RRF."""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence

import chromadb
import numpy as np
from chromadb.config import Settings
from langgraph.store.base import Item

from benchmarks.locomo import Dataset, Question
from threadkeep.vectors.embeddings import StaticEmbeddings

EXCHANGES = 3
"""What VectorStoreRetrieverMemory returns by default, at most."""
RRF_EXCHANGES = 50
LIMIT = 100
"""Messages of a BM25 order."""
RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""


class Peers:
    """The peers by name: functions from a question to message ids, the best first."""

    def __init__(self, dataset: Dataset) -> None:
        self._messages = dataset.messages
        self._embeddings = StaticEmbeddings()
        self._words = sqlite3.connect(":memory:")
        self._words.execute(
            "CREATE VIRTUAL TABLE words USING fts5 (owner UNINDEXED, id UNINDEXED, text, "
            'tokenize = "porter unicode61")'
        )
        self._exchanges: dict[str, list[list[str]]] = {}
        self._chroma = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
        for owner, items in dataset.messages.items():
            self._words.executemany(
                "INSERT INTO words VALUES (?, ?, ?)",
                [(owner, item.key, item.value["text"]) for item in items],
            )
            self._embed(owner, items)
        self.orders: dict[str, Callable[[Question], Sequence[str]]] = {
            "newest": self.newest,
            "bm25": self.bm25,
            "bm25_user_doubled": self.bm25_user_doubled,
            "vector_pairs_k3": lambda question: self.exchanges(question, EXCHANGES),
            "rrf": self.rrf,
        }

    def close(self) -> None:
        """Close the full-text index."""
        self._words.close()

    def newest(self, question: Question) -> list[str]:
        """Return the newest messages."""
        return [item.key for item in reversed(self._messages[question.owner])]

    def bm25(self, question: Question) -> list[str]:
        """Return single messages by SQLite's BM25 over all words of the question."""
        return list(self._bm25_scores(question))[:LIMIT]

    def bm25_user_doubled(self, question: Question) -> list[str]:
        """Return single messages by BM25; the score of the user's own messages counts twice."""
        roles = {item.key: item.value["role"] for item in self._messages[question.owner]}
        scores = self._bm25_scores(question)
        doubled = {key: score * (2 if roles[key] == "user" else 1) for key, score in scores.items()}
        return sorted(doubled, key=lambda key: -doubled[key])[:LIMIT]

    def _bm25_scores(self, question: Question) -> dict[str, float]:
        expression = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question.text))
        rows = self._words.execute(
            "SELECT id, -rank FROM words WHERE words MATCH ? AND owner = ? ORDER BY rank",
            (expression, question.owner),
        )
        return {str(row[0]): float(row[1]) for row in rows}

    def exchanges(self, question: Question, limit: int) -> list[str]:
        """Return the messages of the nearest exchanges, by Chroma's cosine of static vectors."""
        collection = self._chroma.get_collection(
            _collection(question.owner), embedding_function=None
        )
        query = np.array(self._embeddings.embed_query(question.text), dtype=np.float32)
        result = collection.query(query_embeddings=query, n_results=limit, include=[])
        exchanges = self._exchanges[question.owner]
        return [key for number in result["ids"][0] for key in exchanges[int(number)]]

    def rrf(self, question: Question) -> list[str]:
        """Return the reciprocal rank fusion of BM25 and vectors."""
        scores: dict[str, float] = defaultdict(float)
        for order in (self.bm25(question), self.exchanges(question, RRF_EXCHANGES)):
            for rank, key in enumerate(order, start=1):
                scores[key] += 1 / (RRF_K + rank)
        return sorted(scores, key=lambda key: -scores[key])

    def _embed(self, owner: str, items: Sequence[Item]) -> None:
        exchanges = [items[start : start + 2] for start in range(0, len(items), 2)]
        texts = ["\n".join(str(item.value["text"]) for item in pair) for pair in exchanges]
        self._exchanges[owner] = [[item.key for item in pair] for pair in exchanges]
        collection = self._chroma.create_collection(
            _collection(owner), configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        vectors = np.array(self._embeddings.embed_documents(texts), dtype=np.float32)
        collection.add(ids=[str(number) for number in range(len(texts))], embeddings=vectors)


def _collection(owner: str) -> str:
    return f"peer-{owner}"
