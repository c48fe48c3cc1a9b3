"""One score from words, meaning, who spoke, and when: a linear one, fitted on annotated recall."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stores.features import FEATURES, Evidence, candidates, features

# Made by `python -m benchmarks.fit_ranking` on the dialogues of LoCoMo.
WEIGHTS: dict[str, float] = {
    "words": 0.95,
    "words_before": 1.70,
    "covered": 0.18,
    "covered_nearby": 2.08,
    "names": 0.48,
    "pairs": 0.58,
    "meaning": -1.43,
    "best_meaning": 1.42,
    "meaning_before": 1.06,
    "meaning_after": 0.25,
    "meaning_around": 1.45,
    "vector": 0.79,
    "speaker": 1.57,
    "date": 5.96,
    "when": 1.25,
    "many": 0.25,
    "day": 1.19,
    "day_covered": 0.98,
    "question": -0.30,
    "length": 0.40,
}
BIAS = -4.45
WORDS_ALONE = 0.65
"""The weight of words against vectors where nothing else is known."""
# What an item needs at least of one of these to be recalled at all. Static vectors of unrelated
# English sentences have cosines of -0.1 to 0.2.
COVERED, MEANING, VECTOR, DATE = 0.05, 0.35, 0.35, 0.4
PARTS = {
    "words": ("words", "words_before", "covered", "covered_nearby", "names", "pairs"),
    "meaning": ("meaning", "best_meaning", "meaning_before", "meaning_after", "meaning_around"),
    "vector": ("vector",),
    "speaker": ("speaker",),
    "time": ("date", "when", "many"),
    "day": ("day", "day_covered"),
    "form": ("question", "length"),
}
"""Which features make which part of a score."""

_WEIGHTS = np.array([WEIGHTS[name] for name in FEATURES], dtype=np.float32)
_PARTS = np.array(
    [[name in names for names in PARTS.values()] for name in FEATURES], dtype=np.float32
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """How likely an item helps to answer, if half of all items did; and what each part added."""

    total: float
    parts: dict[str, float]


def rank(
    evidence: Evidence, allowed: np.ndarray, vectors: Mapping[int, float], limit: int
) -> dict[int, Score]:
    """Return scores by item number, best first, of at most `limit` relevant rows of those allowed.

    `vectors` are cosines by item number. Of equal scores the newer item is first.
    """
    index = evidence.index
    near = np.array([index.rows_of[n] for n in vectors if n in index.rows_of], dtype=np.int64)
    rows = candidates(evidence, allowed, near)
    if not len(rows):
        return {}
    found = features(evidence, rows, vectors)
    keep = relevant(found)
    numbers, weighed = index.rows["number"][rows[keep]], found[keep] * _WEIGHTS
    totals = 1 / (1 + np.exp(-(weighed.sum(axis=1) + BIAS)))
    best = np.lexsort((-numbers, -totals))[:limit]
    parts = np.einsum("ij,jk->ik", weighed[best], _PARTS).round(3).tolist()
    return {
        int(numbers[at]): Score(total=float(totals[at]), parts=dict(zip(PARTS, part, strict=True)))
        for at, part in zip(best, parts, strict=True)
    }


def relevant(found: np.ndarray) -> np.ndarray:
    """Tell which rows have any reason of their own to be recalled: rows of bool."""
    column = {name: found[:, place] for place, name in enumerate(FEATURES)}
    return np.asarray(
        (column["covered"] >= COVERED)
        | (column["meaning"] >= MEANING)
        | (column["vector"] >= VECTOR)
        | (column["date"] >= DATE)
    )


def rank_hits(words: Mapping[int, float], vectors: Mapping[int, float]) -> dict[int, Score]:
    """Return scores of what the full-text and the vector index found alone, best first.

    `words` are BM25 scores, `vectors` cosines; for users whose items are not in memory.
    """
    best = max(words.values(), default=0.0) or 1.0
    near = {number for number, cosine in vectors.items() if cosine >= VECTOR}
    scored = {}
    for number in {*words, *near}:
        parts = {
            "words": WORDS_ALONE * words.get(number, 0.0) / best,
            "vector": (1 - WORDS_ALONE) * max(0.0, vectors.get(number, 0.0)),
        }
        scored[number] = Score(total=sum(parts.values()), parts=parts)
    return dict(sorted(scored.items(), key=lambda pair: (-pair[1].total, -pair[0])))
