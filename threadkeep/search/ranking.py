"""Rank rows by a linear model of their features, turned into a probability."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from threadkeep.search.evidence import Evidence, candidates
from threadkeep.search.features import FEATURES, features
from threadkeep.search.weights import STATIC, Weights

WORDS_SHARE, MIN_VECTOR_SCORE = 0.65, 0.35
"""Without features: the share of words in a score, and what an item without words needs."""
MIN_COVERAGE, MIN_SIMILARITY, MIN_DATE, MIN_TOTAL = 0.05, 0.35, 0.4, 0.2
"""An item is relevant if it reaches one of these. Static vectors of unrelated English sentences
have cosines of -0.1 to 0.2."""
FLOOR_ITEMS = 500
"""With so many items the floor applies in full, with fewer in proportion."""
PARTS = {
    "words": ("words", "words_before", "coverage", "coverage_nearby", "pairs"),
    "meaning": ("similarity", "similarity_before", "similarity_after", "similarity_around"),
    "vector": ("vector", "vector_before"),
    "speaker": ("speaker", "subject"),
    "time": ("date", "time", "time_coverage", "quantity"),
    "day": ("day", "day_coverage"),
    "form": (
        *("question", "answer", "opening", "length"),
        *("total_weight", "max_weight", "proper_name", "digits"),
    ),
}
"""The features of each part of a score."""
_FEATURE_IN_PART = np.array(
    [[name in names for names in PARTS.values()] for name in FEATURES], dtype=np.float32
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """The probability that an item helps to answer if half of all items did, and its parts.

    `parts` are the log odds that each part adds; of `rank_hits`, shares of the total.
    """

    total: float
    parts: dict[str, float]


def rank(
    evidence: Evidence,
    mask: np.ndarray,
    vector_scores: Mapping[int, float],
    limit: int,
    weights: Weights = STATIC,
    *,
    any_word: bool = False,
) -> dict[int, Score]:
    """Return scores by item number, best first, of at most `limit` relevant rows of the mask.

    `vector_scores` are similarities from the vector index by item number. Of equal scores the
    newer item comes first. With `any_word`, one that has a content word of the query is relevant.
    """
    index = evidence.index
    neighbours = [index.row_of[number] for number in vector_scores if number in index.row_of]
    rows = candidates(evidence, mask, np.array(neighbours, dtype=np.int64))
    if not len(rows):
        return {}
    matrix = features(evidence, rows, vector_scores)
    weighted = matrix * weights.array
    totals = 1 / (1 + np.exp(-(weighted.sum(axis=1) + weights.bias)))
    floor = weights.floor * min(1.0, index.alive / FLOOR_ITEMS)
    keep = relevant(matrix, totals, evidence.similarity[rows], floor)
    if any_word:
        keep |= matrix[:, FEATURES.index("words")] > 0
    numbers, weighted, totals = index.rows["number"][rows[keep]], weighted[keep], totals[keep]
    best = np.lexsort((-numbers, -totals))[:limit]
    parts = np.einsum("ij,jk->ik", weighted[best], _FEATURE_IN_PART).round(3).tolist()
    return {
        int(numbers[row]): Score(
            total=float(totals[row]), parts=dict(zip(PARTS, values, strict=True))
        )
        for row, values in zip(best, parts, strict=True)
    }


def relevant(
    matrix: np.ndarray, totals: np.ndarray, similarity: np.ndarray, floor: float
) -> np.ndarray:
    """Return which rows are relevant: none if even the best total is below the floor.

    `matrix` are the features of the rows. Among many items some always match by chance, so the
    floor rises with their number.
    """
    if totals.max() < floor:
        return np.zeros(len(matrix), dtype=bool)
    coverage, date = (matrix[:, FEATURES.index(name)] for name in ("coverage", "date"))
    matches = (coverage >= MIN_COVERAGE) | (similarity >= MIN_SIMILARITY) | (date >= MIN_DATE)
    return np.asarray(matches | (totals >= MIN_TOTAL))


def rank_hits(
    word_scores: Mapping[int, float], vector_scores: Mapping[int, float]
) -> dict[int, Score]:
    """Return scores of what the full-text and the vector index return, best first.

    For users whose items are not in memory. `word_scores` are of any scale, `vector_scores`
    similarities.
    """
    best = max(word_scores.values(), default=0.0) or 1.0
    near = {number for number, score in vector_scores.items() if score >= MIN_VECTOR_SCORE}
    scores = {}
    for number in {*word_scores, *near}:
        parts = {
            "words": WORDS_SHARE * word_scores.get(number, 0.0) / best,
            "vector": (1 - WORDS_SHARE) * max(0.0, vector_scores.get(number, 0.0)),
        }
        scores[number] = Score(total=sum(parts.values()), parts=parts)
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1].total, -pair[0])))
