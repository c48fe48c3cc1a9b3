"""How well each of a user's items matches a query: the input of all features.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009).
"""

from functools import cached_property

import numpy as np

from threadkeep.search.columns import Columns, SelectedRows
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.questions import Question
from threadkeep.search.vocabulary import DIMENSIONS, word_vector, word_weight

K1, B = 1.2, 0.75
MAX_CANDIDATES = 500
DAYS_AFTER = 3
"""People speak of a day on that day or up to so many days later."""


class Evidence:
    """Word matches and similarities of one query and every row of one index.

    Arrays over rows have one element more than there are rows: index -1, "no neighbour", reads it.
    """

    def __init__(self, index: MemoryIndex, question: Question) -> None:
        self.index, self.question = index, question
        self.rows = index.rows
        alive = self.rows["alive"]
        stem_ids = [index.vocabulary.lookup(word) for word in question.words]
        self.postings = [index.posting(stem_id) for stem_id in stem_ids]
        word_weights = np.array([word_weight(word) for word in question.words], dtype=np.float32)
        self.term_weights = index.idf(np.array(stem_ids, dtype=np.int64)) * word_weights
        total = max(1e-6, float(self.term_weights.sum()))
        self.term_shares = self.term_weights / total
        words = float(self.rows["length"][alive].sum())
        average = max(1.0, words / max(1, index.alive))
        self.term_scores = np.zeros((len(self.postings), index.size + 1), dtype=np.float32)
        for term, (rows, counts) in enumerate(self.postings):
            length = 1 - B + B * self.rows["length"][rows] / average
            self.term_scores[term, rows] = alive[rows] * counts / (counts + K1 * length)
        self.bm25 = dot(self.term_shares, self.term_scores)

    @cached_property
    def stem_weights(self) -> np.ndarray:
        """The term weight of every stem in the index."""
        return self.index.term_weights(np.arange(len(self.index.vocabulary)))

    @cached_property
    def similarity(self) -> np.ndarray:
        """The cosine of query and row; a text's vector is the weighted sum of its words' vectors.

        0 for removed rows, and for index -1.
        """
        index = self.index
        query = np.zeros(DIMENSIONS, dtype=np.float32)
        for word, weight in zip(self.question.words, self.term_weights, strict=True):
            query += weight * word_vector(word)
        norm = float(np.linalg.norm(query))
        cosines = np.zeros(index.size + 1, dtype=np.float32)
        rows = np.flatnonzero(self.rows["length"] > 0)
        if norm and len(rows):
            stems = self.stem_weights * dot(query / norm, index.vocabulary.vectors().T)
            # `tokens` holds the rows one after the other: each sum begins where its row starts.
            sums = np.add.reduceat(stems[index.tokens], self.rows["start"][rows])
            cosines[rows] = sums / index.norms()[rows]
            cosines[:-1] *= self.rows["alive"]
        return np.clip(cosines, -1, 1)

    def coverage(self, *rows: np.ndarray) -> np.ndarray:
        """Return the weighted share of the query's terms that occur in any of several rows.

        Each argument has one row per result: coverage(rows, previous_rows).
        """
        hits = [self.term_scores[:, column] > 0 for column in rows]
        return dot(self.term_shares, np.logical_or.reduce(hits))


def dot(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return weights @ columns on one thread: BLAS would start more, which spin without use."""
    return np.asarray(np.einsum("i,ij->j", weights, columns), dtype=np.float32)


def candidates(evidence: Evidence, mask: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Return the rows to rank: all rows of a mask, or the most promising ones of many.

    `neighbours` are rows that the vector index returned.
    """
    rows = np.flatnonzero(mask)
    if len(rows) <= MAX_CANDIDATES:
        return rows
    bm25, columns, dates = evidence.bm25, evidence.rows, evidence.question.dates
    estimates = bm25[:-1] + 0.5 * bm25[columns["before"]] + 0.25 * bm25[columns["after"]]
    estimates = estimates + evidence.similarity[:-1]
    if dates.years or dates.months:
        estimates = estimates + np.maximum(0, date_match(evidence, columns))
    rows = rows[np.argpartition(estimates[rows], -MAX_CANDIDATES)[-MAX_CANDIDATES:]]
    return np.union1d(rows, neighbours[mask[neighbours]])


def date_match(evidence: Evidence, columns: Columns | SelectedRows) -> np.ndarray:
    """Return how well the date of each row matches the dates of the query: -0.2 to 1."""
    dates = evidence.question.dates
    match = np.zeros(len(columns["day"]), dtype=np.float32)
    if dates.months:
        in_month = np.isin(columns["month"], list(dates.months))
        near_day = np.zeros(len(match), dtype=bool)
        for day in dates.days:
            days_later = columns["day_of_month"] - day
            near_day |= (days_later >= 0) & (days_later <= DAYS_AFTER)
        match += np.where(in_month, 0.45 + 0.45 * near_day, 0)
    if dates.years:
        match += np.where(np.isin(columns["year"], list(dates.years)), 0.1, -0.2)
    return np.asarray(np.where(columns["day"] > 0, match, 0))
