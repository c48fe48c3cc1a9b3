"""Questions with the evidence of the search for them, as the ranking is fitted on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.locomo import Dataset, Question
from threadkeep.search.evidence import Evidence
from threadkeep.search.features import FEATURES, features
from threadkeep.search.questions import analyse
from threadkeep.stores.namespaces import all_messages_of

MAX_ROWS = 80
"""Rows of an example that are fitted on: the most promising, and all that answer."""
BESIDE = ("words_before", "coverage_nearby", "reply_words")
NEWEST, OLDER = 2.0, 1.0
"""How much an update counts, and what it replaces."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One question: all rows of a conversation, their features, and which are the answer."""

    evidence: Evidence
    rows: np.ndarray
    matrix: np.ndarray
    """The features of each row."""
    labels: np.ndarray
    """How much each row answers, 0 for the others; all 0 for an unrelated question."""

    @property
    def promising(self) -> np.ndarray:
        """The places of the rows to fit on."""
        matches = self.evidence.bm25[self.rows] + self.evidence.similarity[self.rows]
        beside = self.matrix[:, [FEATURES.index(name) for name in BESIDE]].sum(axis=1)
        best = np.argsort(-(matches + beside), kind="stable")[:MAX_ROWS]
        return np.union1d(best, np.flatnonzero(self.labels > 0))


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A dataset with its examples, and questions that nothing in it answers."""

    name: str
    weight: float
    """In a fit on several corpora."""
    dataset: Dataset
    own: Sequence[Example]
    unrelated: Sequence[Example]
    """First each question of `unrelated_per_owner` for every owner, then those of others."""
    unrelated_per_owner: int


async def corpus_of(
    name: str, weight: float, dataset: Dataset, unrelated: Sequence[str], *, others: bool
) -> Corpus:
    """Return the examples of a dataset.

    `unrelated` are questions that nothing answers. With `others`, those of each conversation are
    also asked in the next one.
    """
    answerable = dataset.answerable
    own = [await example(dataset, q.owner, q.text, question=q) for q in answerable]
    pairs = [(owner, text) for owner in dataset.messages for text in unrelated]
    if others:
        owners = list(dataset.messages)
        following = dict(zip(owners, owners[1:] + owners[:1], strict=True))
        pairs += [(following[question.owner], question.text) for question in answerable]
    return Corpus(
        name=name,
        weight=weight,
        dataset=dataset,
        own=own,
        unrelated_per_owner=len(unrelated),
        unrelated=[await example(dataset, owner, text) for owner, text in pairs],
    )


async def example(
    dataset: Dataset, owner: str, text: str, *, question: Question | None = None
) -> Example:
    """Return a question asked in the conversation of an owner."""
    store, namespace = dataset.store, all_messages_of(owner)
    vector_scores: dict[int, float] = {}
    if not store.vectors.static:
        vector_scores = await store.vectors.search(owner, text, store.searcher.neighbours)
    async with store.indexes.open_index(owner) as index:
        assert index is not None
        evidence = Evidence(index, analyse(text, index.speakers))
        rows = np.flatnonzero(index.in_namespace(".".join(namespace)))
        numbers = index.rows["number"][rows].tolist()
        matrix = features(evidence, rows, vector_scores)
    if owner not in dataset.keys:
        items = await store.index.items(namespace, numbers)
        dataset.keys[owner] = [items[number].key for number in numbers]
    labels = np.array([_label(key, question) for key in dataset.keys[owner]])
    return Example(evidence=evidence, rows=rows, matrix=matrix, labels=labels)


def _label(key: str, question: Question | None) -> float:
    if question is None or key not in question.evidence:
        return 0.0
    return NEWEST if key == question.newest else OLDER
