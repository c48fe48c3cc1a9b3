"""One score from words, vectors and time."""

from collections.abc import Mapping
from dataclasses import dataclass

WORDS, VECTORS, RECENCY = 0.60, 0.35, 0.05
# Static vectors of unrelated English sentences have cosines of -0.1 to 0.2, of related ones without
# a word in common about 0.4; below this, a vector alone is no reason to recall anything.
FLOOR = 0.35


@dataclass(frozen=True, kw_only=True)
class Score:
    """A score between 0 and 1, and its parts."""

    total: float
    words: float
    vectors: float
    recency: float


def rank(words: Mapping[int, float], vectors: Mapping[int, float]) -> dict[int, Score]:
    """Return scores by item id, best first; ids grow with time.

    `words` holds BM25 scores, `vectors` cosines. An item that shares no word with the query and
    whose cosine is below the floor is not in the result.
    """
    ids = sorted({*words, *(each for each, cosine in vectors.items() if cosine >= FLOOR)})
    best = max(words.values(), default=0.0) or 1.0
    scored = {
        each: score(words.get(each, 0.0) / best, vectors.get(each, 0.0), place / len(ids))
        for place, each in enumerate(ids, start=1)
    }
    return dict(sorted(scored.items(), key=lambda pair: (-pair[1].total, -pair[0])))


def score(words: float, cosine: float, recency: float) -> Score:
    """Return the linear score of one item."""
    near = max(0.0, cosine)
    total = WORDS * words + VECTORS * near + RECENCY * recency
    return Score(total=total, words=words, vectors=near, recency=recency)
