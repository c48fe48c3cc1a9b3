"""Split a sentence into tokens; expand contractions, leave quotations out."""

import re
from typing import Final

from threadkeep.extract.rules_words import CONJUNCTIONS

_TOKEN: Final = re.compile(r"[^\W_]+(?:['\-.&@/][^\W_]+)*|[^\w\s]")
_SUFFIXES: Final = {"m": "am", "ve": "have", "re": "are", "ll": "will", "d": "would", "s": "'s"}
_CONTRACTIONS: Final = {
    "can't": ("can", "not"),
    "won't": ("will", "not"),
    "cannot": ("can", "not"),
    "im": ("I", "am"),
    "ive": ("I", "have"),
}
_CLOSING_QUOTES: Final = {'"': '"', "“": "”", "«": "»", "„": "“"}
BREAKS: Final = frozenset(",;:()[]{}.!?—–-…|*#")
QUOTATION: Final = "…"


def tokenize(sentence: str) -> list[str]:
    """Return words and marks; a quotation becomes one mark, since its speaker is unknown."""
    tokens: list[str] = []
    closing_quote = ""
    for raw in _TOKEN.findall(sentence.replace("’", "'")):
        if closing_quote:
            closing_quote = "" if raw == closing_quote else closing_quote
        elif raw in _CLOSING_QUOTES:
            closing_quote = _CLOSING_QUOTES[raw]
            tokens.append(QUOTATION)
        else:
            tokens.extend(_expand(raw))
    return tokens


def clause_starts(lower: list[str]) -> list[int]:
    """Return where clauses may begin: at the start, after a mark, after a conjunction."""
    return [0] + [
        index + 1
        for index, token in enumerate(lower[:-1])
        if token in BREAKS or token in CONJUNCTIONS
    ]


def _expand(raw: str) -> tuple[str, ...]:
    if "'" not in raw:
        return _CONTRACTIONS.get(raw.lower(), (raw,)) if len(raw) <= 6 else (raw,)
    lower = raw.lower()
    if lower in _CONTRACTIONS:
        return _CONTRACTIONS[lower]
    if lower.endswith("n't"):
        return (raw[:-3], "not")
    base, _, suffix = raw.rpartition("'")
    return (base, _SUFFIXES[suffix.lower()]) if suffix.lower() in _SUFFIXES else (raw,)
