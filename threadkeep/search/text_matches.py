"""What a database's full-text search found, and what it finds in scripts without spaces.

A full-text index takes a run of such a script for one word. Pairs of characters are therefore
looked for in the texts themselves; what a pair tells is the rarer the pair is.
"""

from collections.abc import Iterable, Sequence
from math import log

Hit = tuple[int, float]
"""The number of an indexed item and its score, the higher the better."""
Contained = tuple[int, int, int]
"""The number of an item; which pairs are in its text, and in the text before it: bit by bit."""
TEXT_WEIGHT, BEFORE_WEIGHT = 3.0, 1.0


def contained_hits(found: Sequence[Contained]) -> list[Hit]:
    """Return scores of items that hold some of the pairs."""
    pairs = range(max((max(text, before).bit_length() for _, text, before in found), default=0))
    holding = [sum((text | before) >> pair & 1 for _, text, before in found) for pair in pairs]
    told = [log(1 + len(found) / max(1, number)) for number in holding]

    def weigh(bits: int) -> float:
        return sum(told[pair] for pair in pairs if bits >> pair & 1)

    return [
        (number, TEXT_WEIGHT * weigh(text) + BEFORE_WEIGHT * weigh(before))
        for number, text, before in found
    ]


def together(searches: Iterable[Sequence[Hit]], limit: int) -> list[Hit]:
    """Return the hits of several searches, each as a share of its best, the best first."""
    scores: dict[int, float] = {}
    for hits in searches:
        best = max((score for _, score in hits), default=0.0) or 1.0
        for number, score in hits:
            scores[number] = scores.get(number, 0.0) + score / best
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]
