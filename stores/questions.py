"""What a query asks: its telling words, who it names, which dates, when or how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from stores.time_words import Dates, asks_how_many, asks_when, named_dates
from stores.words import QUESTION_WORDS, stem, telling, words_of

WORDS = 24
"""Of a long message the first telling words are enough, and cost is bounded."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A query, taken apart for ranking."""

    words: tuple[str, ...]
    """Telling words, one form per stem, without the speakers' names where others are left."""
    names: frozenset[str]
    """Stems of words that begin with a capital inside the query: names, mostly."""
    pairs: frozenset[tuple[str, str]]
    """Stems that stand side by side, but for words that tell nothing."""
    speakers: frozenset[str]
    dates: Dates
    when: bool
    many: bool


def take_apart(query: str, speakers: Mapping[str, int]) -> Question:
    """Return what the query asks; `speakers` are the names of those who ever spoke, folded."""
    words = words_of(query)
    told = set(words)
    asked = [word for word in words if word not in QUESTION_WORDS] or words
    named = frozenset(name for name in speakers if name and told.issuperset(words_of(name)))
    of_speakers = {stem(word) for name in named for word in words_of(name)}
    by_stem = {stem(word): word for word in reversed(telling(words))}
    content = [word for stemmed, word in by_stem.items() if stemmed not in of_speakers]
    kept = content or list(by_stem.values())
    return Question(
        words=tuple(reversed(kept))[:WORDS],
        names=_capitals(query) - of_speakers,
        pairs=frozenset((stem(first), stem(second)) for first, second in pairwise(asked)),
        speakers=named,
        dates=named_dates(words),
        when=asks_when(words),
        many=asks_how_many(words),
    )


def _capitals(query: str) -> frozenset[str]:
    inside = query.split()[1:]
    names = (word for part in inside if part[:1].isupper() for word in words_of(part))
    return frozenset(stem(word) for word in names if word not in QUESTION_WORDS)
