"""The passages of one user's items, and which stem occurs in which of them."""

from array import array
from collections import Counter

import numpy as np

from threadkeep.search.columns import Columns
from threadkeep.search.stop_words import without_stop_words
from threadkeep.search.vocabulary import DIMENSIONS, Vocabulary

COLUMNS = {
    "item": "i4",  # the row of its item
    "alive": "?",
    "start": "i4",  # where its words begin in `tokens`
    "length": "i4",  # how many words it has
    "norm": "f4",  # of the sum of its words' vectors; 0 until it is computed
}
NORM_BATCH = 128
MIN_NORM = 1e-3
FEW_PASSAGES = 200
NO_WORDS = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)


class PassageIndex:
    """For every stem the passages that contain it. Passages are never reused, only marked."""

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self.columns = Columns(COLUMNS)
        self.alive = 0
        self._changed = 0
        self._tokens = array("i")
        self._postings: list[tuple[array[int], array[int]]] = []

    @property
    def size(self) -> int:
        """How many passages there are, including removed ones."""
        return self.columns.size

    @property
    def tokens(self) -> np.ndarray:
        """The stem ids of all passages, in order."""
        return np.frombuffer(self._tokens, dtype=np.int32)

    def posting(self, stem_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the passages that contain a stem, and how often each does."""
        if stem_id < 0:
            return NO_WORDS
        passages, counts = self._postings[stem_id]
        return np.array(passages, dtype=np.int32), np.array(counts, dtype=np.float32)

    def term_weights(self, stem_ids: np.ndarray) -> np.ndarray:
        """Return the weights of stems in use: rarity among these passages times `word_weight`."""
        return np.asarray(self.idf(stem_ids) * self.vocabulary.weights()[stem_ids])

    def idf(self, stem_ids: np.ndarray) -> np.ndarray:
        """Return the inverse document frequency of stems: log(1 + (N - n + 0.5) / (n + 0.5))."""
        frequencies = np.minimum(self.vocabulary.frequencies(stem_ids), self.alive)
        idf = np.log(1 + (self.alive - frequencies + 0.5) / (frequencies + 0.5))
        return np.asarray(idf, dtype=np.float32)

    def norms(self) -> np.ndarray:
        """Return the norms of all passages' vectors: of the weighted sums of their words' vectors.

        Term weights change with every passage. The norms of many passages are computed again when a
        fifth of them has changed, those of a few after every change.
        """
        norms = self.columns["norm"]
        if self._changed > (self.alive / 5 if self.alive > FEW_PASSAGES else 0):
            norms[:] = 0
            self._changed = 0
        missing = np.flatnonzero((norms == 0) & (self.columns["length"] > 0))
        for start in range(0, len(missing), NORM_BATCH):
            batch = missing[start : start + NORM_BATCH]
            stem_ids, offsets = self.stems_of(batch)
            vectors = self.vocabulary.vectors()[stem_ids] * self.term_weights(stem_ids)[:, None]
            sums = np.add.reduceat(vectors, offsets, axis=0)
            norms[batch] = np.maximum(MIN_NORM, np.linalg.norm(sums, axis=1))
        return norms

    def stems_of(self, passages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the stem ids of passages, concatenated, and the offset of each in them."""
        starts, lengths = self.columns["start"][passages], self.columns["length"][passages]
        offsets = np.cumsum(lengths, dtype=np.int32) - lengths
        indices = np.arange(lengths.sum(), dtype=np.int32) + np.repeat(starts - offsets, lengths)
        return self.tokens[indices], offsets

    def mean_vectors(self, passages: np.ndarray) -> np.ndarray:
        """Return the vectors of passages, of norm 1: passages x dimensions; zeros without words."""
        vectors = np.zeros((len(passages), DIMENSIONS), dtype=np.float32)
        nonempty = np.flatnonzero(self.columns["length"][passages] > 0)
        if len(nonempty):
            stem_ids, offsets = self.stems_of(passages[nonempty])
            weighted = self.vocabulary.vectors()[stem_ids] * self.term_weights(stem_ids)[:, None]
            sums = np.add.reduceat(weighted, offsets, axis=0)
            norms = np.linalg.norm(sums, axis=1, keepdims=True)
            vectors[nonempty] = sums / np.maximum(MIN_NORM, norms)
        return vectors

    def add(self, row: int, words: list[str]) -> None:
        """Add the next passage of an item."""
        # Half of all words are stop words; without them the index is half as large and fast.
        stem_ids = self.vocabulary.ids(without_stop_words(words))
        while len(self._postings) < len(self.vocabulary):
            self._postings.append((array("i"), array("i")))
        passage = self.columns.add()
        self.columns.set(
            passage, item=row, alive=True, start=len(self._tokens), length=len(stem_ids)
        )
        self._tokens.extend(stem_ids)
        occurrences = Counter(stem_ids)
        for stem_id, count in occurrences.items():
            passages, counts = self._postings[stem_id]
            passages.append(passage)
            counts.append(count)
        self.vocabulary.change_frequencies(occurrences, 1)
        self.alive += 1
        self._changed += 1

    def remove(self, first: int, count: int) -> None:
        """Remove the passages of an item."""
        for passage in range(first, first + count):
            self.columns.set(passage, alive=False)
            stem_ids, _ = self.stems_of(np.array([passage]))
            self.vocabulary.change_frequencies(np.unique(stem_ids).tolist(), -1)
        self.alive -= count
        self._changed += count
