"""Words of a text: cut, folded and stemmed; and which words of a query say what it is about."""

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from Stemmer import Stemmer

TERMS, PAIRS = 12, 24
WORDS_KEPT = 65_536
_WORD = re.compile(r"\w+")
_BETWEEN = {code: " " for code in range(128) if not _WORD.match(chr(code))}
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")

# Words that carry a question rather than its subject.
QUESTION_WORDS = frozenset(
    """a about am an and any are as at be been but by can could d did do does doing for from had
    has have he her hers him his how i if in into is it its ll m me my mine no not of on or our
    ours out over please re s shall she should so some such t tell than that the their them then
    there these they this those to too up us ve was we were what when where which who whom whose
    why will with would you your yours""".split()
)


def words_of(text: str) -> list[str]:
    """Return the words in their order, folded; scripts without spaces give pairs of characters."""
    if text.isascii():
        # The same as below, five times as fast.
        return text.lower().translate(_BETWEEN).split()
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if word.isascii():
            found.append(word)
        else:
            found += _parts(word)
    return found


def stem(word: str) -> str:
    """Return what the forms of an English word have in common; other words as they are."""
    return _stem(word) if word.isascii() else word


def telling(words: list[str]) -> list[str]:
    """Return the words that say what a query is about, once each; all where none does."""
    once = list(dict.fromkeys(words))
    return [word for word in once if word not in QUESTION_WORDS] or once


def terms(query: str) -> list[str]:
    """Return a bounded number of telling words, for a full-text index that stems by itself.

    None of a script without spaces: see `pairs`.
    """
    words = telling([part for part in _runs(query) if not _UNSPACED.fullmatch(part)])
    # Of a long message the longer words are kept: they are the rarer ones, and cost the least.
    return sorted(words, key=len, reverse=True)[:TERMS]


def pairs(query: str) -> list[str]:
    """Return a bounded number of pairs of characters of scripts without spaces."""
    runs = [part for part in _runs(query) if _UNSPACED.fullmatch(part)]
    return list(dict.fromkeys(pair for run in runs for pair in _pairs(run)))[:PAIRS]


def _runs(text: str) -> list[str]:
    """Return the words, and apart from them the runs of scripts without spaces."""
    return [
        part
        for word in _WORD.findall(text.lower())
        for part in re.split(f"({_UNSPACED.pattern})", word)
        if part
    ]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def _parts(word: str) -> list[str]:
    """Return a word without its accents, or the overlapping pairs of an unspaced run."""
    parts: list[str] = []
    for part in re.split(f"({_UNSPACED.pattern})", word):
        if _UNSPACED.fullmatch(part):
            parts += _pairs(part)
        elif part:
            plain = unicodedata.normalize("NFKD", part)
            parts.append("".join(each for each in plain if not unicodedata.combining(each)) or part)
    return parts


@lru_cache(maxsize=WORDS_KEPT)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> "Stemmer":
    from Stemmer import Stemmer

    return Stemmer("english")
