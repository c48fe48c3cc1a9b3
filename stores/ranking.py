"""One score from words, meaning, who spoke, and when: a linear one, fitted on annotated recall."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stores.features import FEATURES, Evidence, candidates, features

# Made by `python -m benchmarks.fit_ranking` on the dialogues of LoCoMo.
WEIGHTS: dict[str, float] = {
    "words": 0.99,
    "words_before": 1.65,
    "covered": 0.24,
    "covered_nearby": 1.99,
    "names": 0.61,
    "pairs": 0.58,
    "meaning": -1.07,
    "best_meaning": 1.46,
    "meaning_before": 1.02,
    "meaning_after": 0.33,
    "meaning_around": 1.45,
    "vector": 0.79,  # fitted with the vectors of single messages, which only long memories need
    "speaker": 1.52,
    "date": 5.90,
    "when": 1.25,
    "many": 0.27,
    "day": 1.17,
    "day_covered": 0.96,
    "question": -0.29,
    "length": 0.36,
}
BIAS = -4.15
WORDS_ALONE = 0.65
"""The weight of words against vectors where nothing else is known."""
# What an item needs at least of one of these to be recalled at all. Static vectors of unrelated
# English sentences have cosines of -0.1 to 0.2.
COVERED, MEANING, VECTOR, DATE, TOTAL = 0.05, 0.35, 0.35, 0.4, 0.2
# On LoCoMo, 1 % of the questions have no turn that reaches this among the 370 to 680 of their own
# conversation, while 77 % of those asked of another conversation find none there.
BEST, MANY = 0.6, 500
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
    weighed = found * _WEIGHTS
    totals = 1 / (1 + np.exp(-(weighed.sum(axis=1) + BIAS)))
    keep = relevant(found, totals, index.alive)
    numbers, weighed, totals = index.rows["number"][rows[keep]], weighed[keep], totals[keep]
    best = np.lexsort((-numbers, -totals))[:limit]
    parts = np.einsum("ij,jk->ik", weighed[best], _PARTS).round(3).tolist()
    return {
        int(numbers[at]): Score(total=float(totals[at]), parts=dict(zip(PARTS, part, strict=True)))
        for at, part in zip(best, parts, strict=True)
    }


def relevant(found: np.ndarray, totals: np.ndarray, items: int) -> np.ndarray:
    """Tell which rows have a reason to be recalled: none where even the best is a chance hit.

    Among many items some always look alike, so the best one must be better the more there are.
    """
    if totals.max() < BEST * min(1.0, items / MANY):
        return np.zeros(len(found), dtype=bool)
    column = {name: found[:, place] for place, name in enumerate(FEATURES)}
    return np.asarray(
        (totals >= TOTAL)
        | (column["covered"] >= COVERED)
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
