"""Choose the strings that prove that something erased is still stored."""

import re
from collections.abc import Iterable, Iterator

from threadkeep.extract.literals import passages

PIECES = 3
"""Pieces of one text: the first, the last and one between them."""
MIN_PIECE, MAX_PIECE = 12, 40
"""Characters of a piece: long enough to be distinctive, short enough for one page of a file."""
MIN_WORD = 6
_WORD = re.compile(r"\S+")


def evidence_strings(
    texts: Iterable[str], names: Iterable[str] = (), ids: Iterable[str] = ()
) -> set[str]:
    """Return pieces and literals of texts, and the names and ids that are long enough."""
    strings = {string for text in texts for string in (*pieces(text), *literals(text))}
    strings |= {name for name in names if len(name) >= MIN_WORD}
    return strings | {key for key in ids if len(key) >= MIN_WORD}


def pieces(text: str) -> list[str]:
    """Return pieces of a text, split between words where possible."""
    stripped = text.strip()
    if len(stripped) <= MAX_PIECE:
        return [stripped] if len(stripped) >= MIN_WORD else []
    parts = list(_split(stripped))
    places = {number * (len(parts) - 1) // (PIECES - 1) for number in range(PIECES)}
    return list(dict.fromkeys(parts[place] for place in sorted(places)))


def literals(text: str) -> list[str]:
    """Return the names, numbers, dates, paths, addresses and quotes of a text."""
    strings = {literal for passage in passages(text) for literal in passage.literals}
    return [string for string in strings if len(string) >= MIN_WORD]


def _split(text: str) -> Iterator[str]:
    start = end = -1
    for word in _WORD.finditer(text):
        start = word.start() if start < 0 else start
        end = word.end()
        if end - start >= MIN_PIECE:
            yield text[start : min(end, start + MAX_PIECE)]
            start = -1
    if start >= 0 and end - start >= MIN_WORD:
        yield text[start:end]
