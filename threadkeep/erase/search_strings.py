"""Which strings tell that something of what was forgotten is still there.

Only those that nobody else has said, and that nothing else which stays holds: whoever shares a
word with somebody is no evidence.
"""

import re
from collections.abc import Iterable, Iterator

from threadkeep.extract.literals import passages

PIECES = 3
"""Of one text, spread over it, the first and the last among them."""
LEAST, MOST = 12, 40
"""Characters of a piece: long enough to be telling, short enough to stand on one page of a file."""
LEAST_WORD = 6
_WORD = re.compile(r"\S+")


def evidence_of(
    texts: Iterable[str], names: Iterable[str] = (), ids: Iterable[str] = ()
) -> set[str]:
    """Return telling pieces of texts, and names and ids that are long enough to be told apart."""
    found = {each for text in texts for each in (*pieces(text), *literals(text))}
    found |= {name for name in names if len(name) >= LEAST_WORD}
    return found | {each for each in ids if len(each) >= LEAST_WORD}


def pieces(text: str) -> list[str]:
    """Return pieces of a text, cut between words where it has some."""
    whole = text.strip()
    if len(whole) <= MOST:
        return [whole] if len(whole) >= LEAST_WORD else []
    cut = list(_cut(whole))
    places = {nth * (len(cut) - 1) // (PIECES - 1) for nth in range(PIECES)}
    return list(dict.fromkeys(cut[place] for place in sorted(places)))


def literals(text: str) -> list[str]:
    """Return the names, numbers, dates, paths, addresses and quotes of a text."""
    found = {literal for passage in passages(text) for literal in passage.literals}
    return [literal for literal in found if len(literal) >= LEAST_WORD]


def _cut(text: str) -> Iterator[str]:
    begin = end = -1
    for word in _WORD.finditer(text):
        begin = word.start() if begin < 0 else begin
        end = word.end()
        if end - begin >= LEAST:
            yield text[begin : min(end, begin + MOST)]
            begin = -1
    if begin >= 0 and end - begin >= LEAST_WORD:
        yield text[begin:end]
