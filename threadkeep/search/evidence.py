"""How well each of a user's items matches a query: the input of all features.

BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009).
"""

from functools import cached_property

import numpy as np

from threadkeep.search.columns import Columns, SelectedRows
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.questions import Question
from threadkeep.search.vocabulary import DIMENSIONS, word_vector, word_weight

K1, B = 2.0, 0.75
MAX_CANDIDATES = 500
DAYS_AFTER = 3
"""People speak of a day on that day or up to so many days later."""


class Evidence:
    """Word matches and similarities of one query and every row of one index.

    An item matches as well as its best passage. Arrays have one element more than there are rows or
    passages: index -1, "no neighbour", reads it.
    """

    def __init__(self, index: MemoryIndex, question: Question) -> None:
        self.index, self.question = index, question
        self.rows, self.passages = index.rows, index.passages.columns
        alive = self.passages["alive"]
        stem_ids = [index.passages.vocabulary.lookup(word) for word in question.words]
        self.postings = [index.passages.posting(stem_id) for stem_id in stem_ids]
        word_weights = np.array([word_weight(word) for word in question.words], dtype=np.float32)
        idf = index.passages.idf(np.array(stem_ids, dtype=np.int64))
        self.term_weights = idf * word_weights
        total = max(1e-6, float(self.term_weights.sum()))
        self.term_shares = self.term_weights / total
        words = float(self.passages["length"][alive].sum())
        average = max(1.0, words / max(1, index.passages.alive))
        self.term_scores = np.zeros((len(self.postings), index.passages.size + 1), np.float32)
        for term, (passages, counts) in enumerate(self.postings):
            length = 1 - B + B * self.passages["length"][passages] / average
            self.term_scores[term, passages] = alive[passages] * counts / (counts + K1 * length)
        self.passage_bm25 = dot(self.term_shares, self.term_scores)
        self.bm25 = self._best(self.passage_bm25)

    @cached_property
    def stem_weights(self) -> np.ndarray:
        """The term weight of every stem in the index."""
        passages = self.index.passages
        return passages.term_weights(np.arange(len(passages.vocabulary)))

    @cached_property
    def passage_similarity(self) -> np.ndarray:
        """The cosine of query and passage; a text's vector is the weighted sum of its words'.

        0 for removed passages, and for index -1.
        """
        passages = self.index.passages
        query = np.zeros(DIMENSIONS, dtype=np.float32)
        for word, weight in zip(self.question.words, self.term_weights, strict=True):
            query += weight * word_vector(word)
        norm = float(np.linalg.norm(query))
        cosines = np.zeros(passages.size + 1, dtype=np.float32)
        nonempty = np.flatnonzero(self.passages["length"] > 0)
        if norm and len(nonempty):
            stems = self.stem_weights * dot(query / norm, passages.vocabulary.vectors().T)
            # `tokens` holds the passages one after the other: each sum begins where one starts.
            sums = np.add.reduceat(stems[passages.tokens], self.passages["start"][nonempty])
            cosines[nonempty] = sums / passages.norms()[nonempty]
            cosines[:-1] *= self.passages["alive"]
        return np.clip(cosines, -1, 1)

    @cached_property
    def similarity(self) -> np.ndarray:
        """The cosine of query and the nearest passage of each row; 0 for removed rows."""
        return self._best(self.passage_similarity)

    @cached_property
    def best_passages(self) -> np.ndarray:
        """The passage of each row that matches best, by words and similarity together."""
        if self.has_single_passages:
            return np.arange(self.index.size)
        matches = self.passage_bm25[:-1] + self.passage_similarity[:-1]
        order = np.lexsort((matches, self.passages["item"]))
        return np.asarray(order[np.append(self.rows["first"][1:], len(order)) - 1])

    @property
    def has_single_passages(self) -> bool:
        """Whether each row is one passage, as with short messages."""
        return self.index.size == self.index.passages.size

    @cached_property
    def has_term(self) -> np.ndarray:
        """Whether each term of the query occurs in each row: terms x rows + 1."""
        hits = self.term_scores > 0
        if self.has_single_passages or not self.index.size:
            return np.asarray(hits)
        by_row = np.maximum.reduceat(hits[:, :-1], self.rows["first"], axis=1)
        return np.asarray(np.concatenate([by_row, hits[:, -1:]], axis=1))

    def coverage(self, passages: np.ndarray, *rows: np.ndarray) -> np.ndarray:
        """Return the weighted share of the query's terms that occur in a passage or in rows.

        Each argument has one element per result: coverage(passages, previous_rows).
        """
        hits = [self.term_scores[:, passages] > 0, *(self.has_term[:, row] for row in rows)]
        return dot(self.term_shares, np.logical_or.reduce(hits))

    def _best(self, by_passage: np.ndarray) -> np.ndarray:
        """Return the highest value of the passages of each row, and the last element."""
        if self.has_single_passages or not self.index.size:
            return by_passage
        best = np.maximum.reduceat(by_passage[:-1], self.rows["first"])
        return np.append(best, by_passage[-1:])


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
