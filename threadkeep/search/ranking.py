"""Rank rows by a linear model of their features, turned into a probability."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from threadkeep.search.evidence import Evidence, candidates
from threadkeep.search.features import FEATURES, features
from threadkeep.search.relevance import MAX_GAP, strengths
from threadkeep.search.updates import newer_first
from threadkeep.search.weights import STATIC, Weights

WORDS_SHARE, MIN_VECTOR_SCORE = 0.65, 0.35
"""Without features: the share of words in a score, and what an item without words needs."""
MIN_COVERAGE, MIN_SIMILARITY, MIN_DATE, MIN_TOTAL = 0.05, 0.35, 0.4, 0.2
"""An item is relevant if it reaches one of these. Static vectors of unrelated English sentences
have cosines of -0.1 to 0.2."""
MAX_PASSAGES, MIN_PASSAGE_SHARE = 2, 0.85
"""Passages of a long text that are shown: the best, and another that matches nearly as well."""
PARTS = {
    "words": (
        *("words", "words_before", "coverage_nearby", "pairs"),
        *("reply_words", "answer_words"),
    ),
    "meaning": ("similarity", "similarity_around", "answer_similarity"),
    "vector": ("vector", "vector_before"),
    "speaker": ("speaker", "subject", "assistant", "assistant_asked"),
    "time": ("date", "time", "time_coverage", "quantity"),
    "day": ("day", "day_coverage"),
    "form": (
        *("has_question", "question", "answer", "opening", "length"),
        *("total_weight", "max_weight", "proper_name", "digits"),
    ),
}
"""The features of each part of a score."""
NEWER = "newer"
"""The part of a statement that precedes an older one about the same."""
_FEATURE_IN_PART = np.array(
    [[name in names for names in PARTS.values()] for name in FEATURES], dtype=np.float32
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """The probability that an item helps to answer if half of all items did, and its parts.

    `parts` are the log odds that each part adds; of `rank_hits`, shares of the total. `passages`
    are the numbers of the best ones of a long text, from 0; none where all of it counts.
    """

    total: float
    parts: dict[str, float]
    passages: tuple[int, ...] = ()


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
    log_odds = weighted.sum(axis=1) + weights.bias
    newer = newer_first(evidence, rows, log_odds)
    keep = np.zeros(len(rows), dtype=bool)
    if weights.has_answer(strengths(evidence, rows, matrix, log_odds)) >= weights.floor:
        keep = relevant(matrix, log_odds, evidence.similarity[rows])
    if any_word:
        keep |= matrix[:, FEATURES.index("words")] > 0
    totals = 1 / (1 + np.exp(-(log_odds + newer)))
    best = np.flatnonzero(keep)
    best = best[np.lexsort((-index.rows["number"][rows[best]], -totals[best]))[:limit]]
    parts = np.einsum("ij,jk->ik", weighted[best], _FEATURE_IN_PART)
    return {
        int(index.rows["number"][rows[place]]): Score(
            total=float(totals[place]),
            parts=dict(zip(PARTS, of_row, strict=True)) | {NEWER: round(float(newer[place]), 3)},
            passages=passages_of(evidence, int(rows[place])),
        )
        for place, of_row in zip(best, parts.round(3).tolist(), strict=True)
    }


def relevant(matrix: np.ndarray, log_odds: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """Return which rows are relevant: those near the best one that match the query in some way.

    `matrix` are the features of the rows.
    """
    coverage, date = (matrix[:, FEATURES.index(name)] for name in ("coverage_nearby", "date"))
    matches = (coverage >= MIN_COVERAGE) | (similarity >= MIN_SIMILARITY) | (date >= MIN_DATE)
    matches |= log_odds >= np.log(MIN_TOTAL / (1 - MIN_TOTAL))
    return np.asarray(matches & (log_odds >= log_odds.max() - MAX_GAP))


def passages_of(evidence: Evidence, row: int) -> tuple[int, ...]:
    """Return the numbers of the passages of a row that match best; none if it is one passage."""
    first, count = int(evidence.rows["first"][row]), int(evidence.rows["passages"][row])
    if count == 1:
        return ()
    span = slice(first, first + count)
    matches = evidence.passage_bm25[span] + evidence.passage_similarity[span]
    best = np.argsort(-matches, kind="stable")[:MAX_PASSAGES]
    near = best[matches[best] >= MIN_PASSAGE_SHARE * matches[best[0]]]
    return tuple(sorted(near.tolist())) or (int(best[0]),)


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
