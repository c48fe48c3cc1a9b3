"""The stems of one user's words: a number, a frequency, a static word vector and a weight each."""

from array import array
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from threadkeep.search.words import stem
from threadkeep.vectors.embeddings import static_table

DIMENSIONS = 128
"""wordllama's vectors are trained so that their first numbers are vectors too (Matryoshka)."""
FORMS_KEPT = 65_536
LENGTHS, USUAL_LENGTH = (5.0, 25.0), 16.0
"""Of the vectors of words that tell little and much, and of most."""


class Vocabulary:
    """Numbers for stems in the order of their first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._of_forms: dict[str, int] = {}
        self._forms: list[str] = []
        self._frequencies = array("i")
        self._vectors = np.zeros((256, DIMENSIONS), dtype=np.float32)
        self._weights = np.zeros(256, dtype=np.float32)
        self._made = 0

    def __len__(self) -> int:
        return len(self._forms)

    def numbers(self, words: Iterable[str]) -> list[int]:
        """Return the numbers of the words' stems; a new stem gets the next one."""
        forms = self._of_forms
        return [forms[word] if word in forms else self._number(word) for word in words]

    def _number(self, word: str) -> int:
        stemmed = stem(word)
        found = self._numbers.get(stemmed)
        if found is None:
            found = self._numbers[stemmed] = len(self._forms)
            self._forms.append(word)
            self._frequencies.append(0)
        if len(self._of_forms) < FORMS_KEPT:
            self._of_forms[word] = found
        return found

    def known(self, word: str) -> int:
        """Return the number of the word's stem, -1 where it was never used."""
        return self._numbers.get(stem(word), -1)

    def count(self, numbers: Iterable[int], more: int) -> None:
        """Note that each of these stems stands in so many more items."""
        for number in numbers:
            self._frequencies[number] += more

    def frequencies(self, numbers: np.ndarray) -> np.ndarray:
        """Return in how many items each stem stands; -1 stands nowhere."""
        counted = np.append(np.frombuffer(self._frequencies, dtype=np.int32), 0)
        return np.asarray(counted[numbers])

    def vectors(self) -> np.ndarray:
        """Return the vectors of all stems, that of the first form each: stems x 128."""
        self._make()
        return self._vectors[: self._made]

    def weights(self) -> np.ndarray:
        """Return how much each stem tells by itself: about 1."""
        self._make()
        return self._weights[: self._made]

    def _make(self) -> None:
        size = len(self._forms)
        if size > len(self._vectors):
            vectors = np.zeros((2 * size, DIMENSIONS), dtype=np.float32)
            weights = np.zeros(2 * size, dtype=np.float32)
            vectors[: self._made] = self._vectors[: self._made]
            weights[: self._made] = self._weights[: self._made]
            self._vectors, self._weights = vectors, weights
        for number in range(self._made, size):
            self._vectors[number], self._weights[number] = meaning_of(self._forms[number])
        self._made = size


def vector_of(word: str) -> np.ndarray:
    """Return the static vector of one word: 128 numbers, length 1, or zeros."""
    return meaning_of(word)[0]


def weight_of(word: str) -> float:
    """Return how much a word tells by itself, whoever uses it: about 1, "thing" 0.56, "kiln" 1.2.

    Static vectors are trained so that their sum is the text's: the more a word tells, the longer.
    """
    return meaning_of(word)[1]


@lru_cache(maxsize=4_096)
def meaning_of(word: str) -> tuple[np.ndarray, float]:
    """Return vector and weight of one word."""
    tokenizer, table = static_table()
    ids = tokenizer.encode(word, add_special_tokens=False).ids
    total = table[ids].astype(np.float32).sum(axis=0)
    vector = total[:DIMENSIONS]
    length = float(np.linalg.norm(vector))
    weight = float(np.sqrt(np.clip(np.linalg.norm(total), *LENGTHS) / USUAL_LENGTH))
    return np.asarray(vector / length if length else vector), weight
