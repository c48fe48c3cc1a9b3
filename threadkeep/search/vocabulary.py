"""The stems of one user's words: an id, a frequency, a static word vector and a weight of each."""

from array import array
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from threadkeep.search.words import stem
from threadkeep.vectors.embeddings import static_table

DIMENSIONS = 128
"""wordllama's vectors are trained so that their first numbers are vectors too (Matryoshka)."""
MAX_CACHED_FORMS = 65_536
INITIAL_CAPACITY = 256
NORM_RANGE, TYPICAL_NORM = (5.0, 25.0), 16.0
"""Norms of the vectors of words with little and with much meaning, and of most words."""
UNKNOWN = -1
"""The id of a stem that no item contains."""


class Vocabulary:
    """Stems, with ids in the order of their first use."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._ids_of_forms: dict[str, int] = {}
        self._first_forms: list[str] = []
        self._frequencies = array("i")
        self._vectors = np.zeros((INITIAL_CAPACITY, DIMENSIONS), dtype=np.float32)
        self._weights = np.zeros(INITIAL_CAPACITY, dtype=np.float32)
        self._embedded = 0

    def __len__(self) -> int:
        return len(self._first_forms)

    def ids(self, words: Iterable[str]) -> list[int]:
        """Return the ids of the words' stems; a new stem gets the next id."""
        cached = self._ids_of_forms
        return [cached[word] if word in cached else self._add(word) for word in words]

    def _add(self, word: str) -> int:
        stemmed = stem(word)
        stem_id = self._ids.get(stemmed)
        if stem_id is None:
            stem_id = self._ids[stemmed] = len(self._first_forms)
            self._first_forms.append(word)
            self._frequencies.append(0)
        if len(self._ids_of_forms) < MAX_CACHED_FORMS:
            self._ids_of_forms[word] = stem_id
        return stem_id

    def lookup(self, word: str) -> int:
        """Return the id of the word's stem, `UNKNOWN` if it was never used."""
        return self._ids.get(stem(word), UNKNOWN)

    def change_frequencies(self, ids: Iterable[int], change: int) -> None:
        """Add to the number of items that contain each of these stems."""
        for stem_id in ids:
            self._frequencies[stem_id] += change

    def frequencies(self, ids: np.ndarray) -> np.ndarray:
        """Return how many items contain each stem; 0 for `UNKNOWN`."""
        counts = np.append(np.frombuffer(self._frequencies, dtype=np.int32), 0)
        return np.asarray(counts[ids])

    def vectors(self) -> np.ndarray:
        """Return the vectors of all stems, each of its first form: stems x 128."""
        self._embed_new()
        return self._vectors[: self._embedded]

    def weights(self) -> np.ndarray:
        """Return the `word_weight` of all stems, each of its first form."""
        self._embed_new()
        return self._weights[: self._embedded]

    def _embed_new(self) -> None:
        start, size = self._embedded, len(self._first_forms)
        if size > len(self._vectors):
            vectors = np.zeros((2 * size, DIMENSIONS), dtype=np.float32)
            weights = np.zeros(2 * size, dtype=np.float32)
            vectors[:start] = self._vectors[:start]
            weights[:start] = self._weights[:start]
            self._vectors, self._weights = vectors, weights
        for stem_id in range(start, size):
            form = self._first_forms[stem_id]
            self._vectors[stem_id], self._weights[stem_id] = _embed(form)
        self._embedded = size


def word_vector(word: str) -> np.ndarray:
    """Return the static vector of one word: 128 numbers of norm 1, or zeros."""
    return _embed(word)[0]


def word_weight(word: str) -> float:
    """Return how much meaning a word has in any text: about 1, "thing" 0.57, "parrot" 1.19.

    Static vectors are trained so that a text's vector is the sum of those of its words: the more
    a word means, the longer its vector.
    """
    return _embed(word)[1]


@lru_cache(maxsize=4_096)
def _embed(word: str) -> tuple[np.ndarray, float]:
    """Return vector and weight of one word."""
    tokenizer, table = static_table()
    token_ids = tokenizer.encode(word, add_special_tokens=False).ids
    total = table[token_ids].astype(np.float32).sum(axis=0)
    vector = total[:DIMENSIONS]
    norm = float(np.linalg.norm(vector))
    weight = float(np.sqrt(np.clip(np.linalg.norm(total), *NORM_RANGE) / TYPICAL_NORM))
    return np.asarray(vector / norm if norm else vector), weight
