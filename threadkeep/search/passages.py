"""Split a long text into passages: windows of whole paragraphs, lines or sentences."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

PASSAGE_BYTES = 400
"""About 100 tokens in any script: a token is about four letters, or one Chinese character."""
WHOLE_BYTES = 600
"""Texts up to this size are one passage."""
OMISSION = "[…]"
Span = tuple[int, int]
"""Where a passage begins and ends in its text."""
SizeOf = Callable[[int, int], int]
# Paragraphs first, then lines, then sentences, then words.
_ENDS = tuple(
    re.compile(pattern)
    for pattern in (r"\n\s*\n\s*", r"\n+", r"(?<=[.!?…])\s+|(?<=[。！？])", r"\s+")
)


def split_passages(text: str) -> list[Span]:
    """Return the spans of a text's passages: in order, without gaps, one for a short text.

    A passage has at most `PASSAGE_BYTES`, but the last one may have half of that more.
    """
    size_of = _size_in(text)
    if size_of(0, len(text)) <= WHOLE_BYTES:
        return [(0, len(text))]
    spans: list[Span] = []
    start, used = 0, 0
    for begin, end in _pieces(text, size_of, 0, len(text), 0):
        size = size_of(begin, end)
        if used and used + size > PASSAGE_BYTES:
            spans.append((start, begin))
            start, used = begin, 0
        used += size
    if spans and used < PASSAGE_BYTES // 2:
        start = spans.pop()[0]
    return [*spans, (start, len(text))]


def text_of_passages(text: str, numbers: Sequence[int]) -> str:
    """Return the passages of a text by number, with a mark wherever something is left out.

    Of numbers that the text does not have, the last passage; all of the text without a number.
    """
    spans = split_passages(text)
    places = sorted({min(max(0, number), len(spans) - 1) for number in numbers})
    if not places or len(places) == len(spans):
        return text
    parts = [OMISSION] if places[0] else []
    start = spans[places[0]][0]
    for number, following in pairwise([*places, len(spans)]):
        if following == number + 1 and following < len(spans):
            continue
        parts.append(text[start : spans[number][1]].strip())
        if following < len(spans):
            start = spans[following][0]
        if number + 1 < len(spans):
            parts.append(OMISSION)
    return " ".join(parts)


def _pieces(text: str, size_of: SizeOf, start: int, end: int, level: int) -> Iterator[Span]:
    """Yield the largest pieces of a part of a text that have at most `PASSAGE_BYTES` each."""
    if level == len(_ENDS):
        for place in range(start, end, PASSAGE_BYTES // 4):
            yield place, min(end, place + PASSAGE_BYTES // 4)
        return
    cuts = [match.end() for match in _ENDS[level].finditer(text, start, end)]
    for begin, stop in pairwise([start, *cuts, end]):
        if size_of(begin, stop) <= PASSAGE_BYTES:
            if begin < stop:
                yield begin, stop
        else:
            yield from _pieces(text, size_of, begin, stop, level + 1)


def _size_in(text: str) -> SizeOf:
    """Return a function that tells how many bytes a part of a text has."""
    if text.isascii():
        return lambda start, end: end - start
    return lambda start, end: len(text[start:end].encode("utf-8", "replace"))
