"""A sentence as tokens: contractions opened, what is only quoted left out."""

import re
from typing import Final

from threadkeep.extract.rules_words import CONJUNCTIONS

_TOKEN: Final = re.compile(r"[^\W_]+(?:['\-.&@/][^\W_]+)*|[^\w\s]")
_SUFFIXES: Final = {"m": "am", "ve": "have", "re": "are", "ll": "will", "d": "would", "s": "'s"}
_WHOLE: Final = {
    "can't": ("can", "not"),
    "won't": ("will", "not"),
    "cannot": ("can", "not"),
    "im": ("I", "am"),
    "ive": ("I", "have"),
}
_OPENING: Final = {'"': '"', "“": "”", "«": "»", "„": "“"}
BREAKS: Final = frozenset(",;:()[]{}.!?—–-…|*#")
QUOTED: Final = "…"


def tokens(sentence: str) -> list[str]:
    """Return words and marks; a quotation becomes one mark, since another may be speaking."""
    found: list[str] = []
    closing = ""
    for raw in _TOKEN.findall(sentence.replace("’", "'")):
        if closing:
            closing = "" if raw == closing else closing
        elif raw in _OPENING:
            closing = _OPENING[raw]
            found.append(QUOTED)
        else:
            found.extend(_opened(raw))
    return found


def starts(low: list[str]) -> list[int]:
    """Return where clauses may begin: at the front, behind a mark, behind a conjunction."""
    return [0] + [
        place + 1
        for place, token in enumerate(low[:-1])
        if token in BREAKS or token in CONJUNCTIONS
    ]


def _opened(raw: str) -> tuple[str, ...]:
    if "'" not in raw:
        return _WHOLE.get(raw.lower(), (raw,)) if len(raw) <= 6 else (raw,)
    low = raw.lower()
    if low in _WHOLE:
        return _WHOLE[low]
    if low.endswith("n't"):
        return (raw[:-3], "not")
    base, _, suffix = raw.rpartition("'")
    return (base, _SUFFIXES[suffix.lower()]) if suffix.lower() in _SUFFIXES else (raw,)
