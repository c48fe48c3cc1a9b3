"""Score what the full-text index of a database returns, and matches of character bigrams.

A full-text index takes a run of a script without spaces for one word. Such runs are therefore
searched by bigrams in the texts themselves; a bigram counts more, the fewer items contain it.
"""

from collections.abc import Iterable, Sequence
from math import log

Hit = tuple[int, float]
"""The number of an item and its score, the higher the better."""
BigramMatch = tuple[int, int, int]
"""The number of an item; bit masks of the bigrams in its text and in the text before it."""
TEXT_WEIGHT, BEFORE_WEIGHT = 3.0, 1.0


def bigram_hits(matches: Sequence[BigramMatch]) -> list[Hit]:
    """Return scores of items that contain some of the bigrams."""
    count = max((max(text, before).bit_length() for _, text, before in matches), default=0)
    bigrams = range(count)
    frequencies = [
        sum((text | before) >> bit & 1 for _, text, before in matches) for bit in bigrams
    ]
    weights = [log(1 + len(matches) / max(1, frequency)) for frequency in frequencies]

    def weigh(mask: int) -> float:
        return sum(weights[bit] for bit in bigrams if mask >> bit & 1)

    return [
        (number, TEXT_WEIGHT * weigh(text) + BEFORE_WEIGHT * weigh(before))
        for number, text, before in matches
    ]


def merge_hits(searches: Iterable[Sequence[Hit]], limit: int) -> list[Hit]:
    """Return the hits of several searches, the best first; scale each search to a best of 1."""
    scores: dict[int, float] = {}
    for hits in searches:
        best = max((score for _, score in hits), default=0.0) or 1.0
        for number, score in hits:
            scores[number] = scores.get(number, 0.0) + score / best
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]
