"""The words of one query against one user's items: what features are made of, and candidates.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009).
"""

from functools import cached_property

import numpy as np

from threadkeep.search.columns import Columns, Selected
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.questions import Question
from threadkeep.search.vocabulary import DIMENSIONS, vector_of, weight_of

K1, B = 1.2, 0.75
CANDIDATES = 500


class Evidence:
    """The words of one query in one index: what all features are made of."""

    def __init__(self, index: MemoryIndex, question: Question) -> None:
        self.index, self.question = index, question
        self.rows = index.rows
        alive = self.rows["alive"]
        words = float(self.rows["length"][alive].sum())
        self.average = max(1.0, words / max(1, index.alive))
        known = [index.vocabulary.known(word) for word in question.words]
        self.stems = np.array(known, dtype=np.int64)
        self.postings = [index.posting(each) for each in self.stems]
        weights = np.array([weight_of(word) for word in question.words], dtype=np.float32)
        self.rarity = index.inverse_frequencies(self.stems) * weights
        # One row more than there are items: index -1, "no such neighbour", finds nothing there.
        self.scores = np.zeros((len(self.postings), index.size + 1), dtype=np.float32)
        for place, (rows, counts) in enumerate(self.postings):
            length = 1 - B + B * self.rows["length"][rows] / self.average
            self.scores[place, rows] = alive[rows] * counts / (counts + K1 * length)
        self.total = max(1e-6, float(self.rarity.sum()))
        self.bm25 = dot(self.rarity / self.total, self.scores)

    @cached_property
    def rarities(self) -> np.ndarray:
        """What every known stem tells."""
        return self.index.rarities(np.arange(len(self.index.vocabulary)))

    @cached_property
    def meaning(self) -> np.ndarray:
        """Cosines of query and items, each the sum of its words' vectors weighted by rarity.

        One for every row, 0 for dead ones, and one more for -1.
        """
        index = self.index
        asked = np.zeros(DIMENSIONS, dtype=np.float32)
        for word, rarity in zip(self.question.words, self.rarity, strict=True):
            asked += rarity * vector_of(word)
        length = float(np.linalg.norm(asked))
        found = np.zeros(index.size + 1, dtype=np.float32)
        rows = np.flatnonzero(self.rows["length"] > 0)
        if length and len(rows):
            near = self.rarities * dot(asked / length, index.vocabulary.vectors().T)
            # Rows lie one after the other in `tokens`: the sum of each begins where it does.
            sums = np.add.reduceat(near[index.tokens], self.rows["start"][rows])
            found[rows] = sums / index.norms()[rows]
            found[:-1] *= self.rows["alive"]
        return np.clip(found, -1, 1)

    def covered(self, *rows: np.ndarray) -> np.ndarray:
        """Return the share of the query, by rarity, that is in any of the rows side by side."""
        hits = [self.scores[:, each] > 0 for each in rows]
        return dot(self.rarity / self.total, np.logical_or.reduce(hits))


def dot(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return weights @ columns, on one thread: BLAS starts more and lets them spin for nothing."""
    return np.asarray(np.einsum("i,ij->j", weights, columns), dtype=np.float32)


def candidates(evidence: Evidence, allowed: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the rows worth a closer look: all that may be found, or the most promising of many.

    `allowed` says for every row whether it may be found; `near` are rows near by meaning.
    """
    found = np.flatnonzero(allowed)
    if len(found) <= CANDIDATES:
        return found
    bm25, rows, dates = evidence.bm25, evidence.rows, evidence.question.dates
    first = bm25[:-1] + 0.5 * bm25[rows["before"]] + 0.25 * bm25[rows["after"]]
    first = first + evidence.meaning[:-1]
    if dates.years or dates.months:
        first = first + np.maximum(0, date_match(evidence, rows))
    found = found[np.argpartition(first[found], -CANDIDATES)[-CANDIDATES:]]
    return _once(evidence.index.size, found, near[allowed[near]])


def date_match(evidence: Evidence, of: Columns | Selected) -> np.ndarray:
    """Return how well each row's day fits the dates that the query names: -0.2 to 1."""
    dates = evidence.question.dates
    fits = np.zeros(len(of["day"]), dtype=np.float32)
    if dates.months:
        in_month = np.isin(of["month"], list(dates.months))
        # People speak of a day on that day or soon after.
        soon = np.zeros(len(fits), dtype=bool)
        for day in dates.days:
            soon |= (of["of_month"] >= day) & (of["of_month"] <= day + 3)
        fits += np.where(in_month, 0.45 + 0.45 * soon, 0)
    if dates.years:
        fits += np.where(np.isin(of["year"], list(dates.years)), 0.1, -0.2)
    return np.asarray(np.where(of["day"] > 0, fits, 0))


def _once(size: int, *rows: np.ndarray) -> np.ndarray:
    """Return every row once, in order, without -1."""
    there = np.zeros(size + 1, dtype=bool)
    for each in rows:
        there[each] = True
    return np.flatnonzero(there[:-1])
