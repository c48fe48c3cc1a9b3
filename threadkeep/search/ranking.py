"""One score from words, meaning, who spoke, and when: a linear one, fitted on annotated recall."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from threadkeep.search.evidence import Evidence, candidates
from threadkeep.search.features import FEATURES, features


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What each feature counts, in the order of `FEATURES`, and what is added to the sum."""

    of: tuple[float, ...]
    bias: float
    floor: float
    """What the best item must reach among `MANY` or more, lest all be chance hits."""

    @cached_property
    def array(self) -> np.ndarray:
        """The weights of the features."""
        return np.array(self.of, dtype=np.float32)


# Made by `python -m benchmarks.fit_ranking` on the dialogues of LoCoMo.
STATIC = Weights(
    of=(
        0.94,  # words
        1.06,  # words_before
        0.23,  # covered
        2.14,  # covered_nearby
        0.69,  # pairs
        1.02,  # best_meaning
        1.49,  # meaning_before
        0.22,  # meaning_after
        1.82,  # meaning_around
        0.00,  # vector
        0.00,  # vector_before
        0.77,  # speaker
        0.92,  # subject
        5.79,  # date
        0.84,  # when
        1.06,  # when_covered
        0.21,  # many
        1.37,  # day
        1.00,  # day_covered
        -0.33,  # question
        0.44,  # answer
        0.90,  # opening
        -0.21,  # length
        0.24,  # told
        0.22,  # rarest
        0.30,  # named
        0.88,  # number
    ),
    bias=-5.47,
    floor=0.67,
)
CONTEXTUAL = Weights(
    of=(
        0.61,  # words
        0.38,  # words_before
        0.28,  # covered
        1.99,  # covered_nearby
        0.63,  # pairs
        0.67,  # best_meaning
        0.92,  # meaning_before
        0.15,  # meaning_after
        1.46,  # meaning_around
        2.86,  # vector
        1.49,  # vector_before
        0.87,  # speaker
        0.92,  # subject
        5.63,  # date
        0.85,  # when
        1.09,  # when_covered
        0.21,  # many
        1.27,  # day
        0.97,  # day_covered
        -0.32,  # question
        0.37,  # answer
        1.03,  # opening
        -0.14,  # length
        0.21,  # told
        0.20,  # rarest
        0.23,  # named
        0.88,  # number
    ),
    bias=-5.76,
    floor=0.62,
)
WORDS_ALONE, NEAR = 0.65, 0.35
"""The weight of words against vectors where nothing else is known, and what a vector needs then."""
COVERED, MEANING, DATE, TOTAL = 0.05, 0.35, 0.4, 0.2
"""What an item needs of at least one of these to be recalled at all. Static vectors of unrelated
English sentences have cosines of -0.1 to 0.2."""
MANY = 500
PARTS = {
    "words": ("words", "words_before", "covered", "covered_nearby", "pairs"),
    "meaning": ("best_meaning", "meaning_before", "meaning_after", "meaning_around"),
    "vector": ("vector", "vector_before"),
    "speaker": ("speaker", "subject"),
    "time": ("date", "when", "when_covered", "many"),
    "day": ("day", "day_covered"),
    "form": ("question", "answer", "opening", "length", "told", "rarest", "named", "number"),
}
"""Which features make which part of a score."""

_PARTS = np.array(
    [[name in names for names in PARTS.values()] for name in FEATURES], dtype=np.float32
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """How likely an item helps to answer, if half of all items did; and what each part added."""

    total: float
    parts: dict[str, float]


def rank(
    evidence: Evidence,
    allowed: np.ndarray,
    vectors: Mapping[int, float],
    limit: int,
    weights: Weights = STATIC,
) -> dict[int, Score]:
    """Return scores by item number, best first, of at most `limit` relevant rows of those allowed.

    `vectors` is the nearness of what the vector index found, by item number. Of equal scores the
    newer item is first.
    """
    index = evidence.index
    near = np.array([index.rows_of[n] for n in vectors if n in index.rows_of], dtype=np.int64)
    rows = candidates(evidence, allowed, near)
    if not len(rows):
        return {}
    found = features(evidence, rows, vectors)
    weighed = found * weights.array
    totals = 1 / (1 + np.exp(-(weighed.sum(axis=1) + weights.bias)))
    meaning = evidence.meaning[rows]
    keep = relevant(found, totals, meaning, weights.floor * min(1.0, index.alive / MANY))
    numbers, weighed, totals = index.rows["number"][rows[keep]], weighed[keep], totals[keep]
    best = np.lexsort((-numbers, -totals))[:limit]
    parts = np.einsum("ij,jk->ik", weighed[best], _PARTS).round(3).tolist()
    return {
        int(numbers[at]): Score(total=float(totals[at]), parts=dict(zip(PARTS, part, strict=True)))
        for at, part in zip(best, parts, strict=True)
    }


def relevant(
    found: np.ndarray, totals: np.ndarray, meaning: np.ndarray, floor: float
) -> np.ndarray:
    """Tell which rows have a reason to be recalled: none where even the best is a chance hit.

    Among many items some always look alike, so the best one must be better the more there are.
    """
    if totals.max() < floor:
        return np.zeros(len(found), dtype=bool)
    covered, date = (found[:, FEATURES.index(name)] for name in ("covered", "date"))
    alike = (covered >= COVERED) | (meaning >= MEANING) | (date >= DATE)
    return np.asarray(alike | (totals >= TOTAL))


def rank_hits(words: Mapping[int, float], vectors: Mapping[int, float]) -> dict[int, Score]:
    """Return scores of what the full-text and the vector index found alone, best first.

    `words` are BM25 scores, `vectors` nearness; for users whose items are not in memory.
    """
    best = max(words.values(), default=0.0) or 1.0
    near = {number for number, nearness in vectors.items() if nearness >= NEAR}
    scored = {}
    for number in {*words, *near}:
        parts = {
            "words": WORDS_ALONE * words.get(number, 0.0) / best,
            "vector": (1 - WORDS_ALONE) * max(0.0, vectors.get(number, 0.0)),
        }
        scored[number] = Score(total=sum(parts.values()), parts=parts)
    return dict(sorted(scored.items(), key=lambda pair: (-pair[1].total, -pair[0])))
