"""What a query asks: its telling words, who it names, which dates, when or how many."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from threadkeep.search.time_words import Dates, asks_how_many, asks_when, named_dates
from threadkeep.search.words import QUESTION_WORDS, stem, telling, words_of

WORDS = 24
"""Of a long message the first telling words are enough, and cost is bounded."""
ROLE = "\0"
"""Before the role of somebody without a name, so that nobody is called that."""
# What `names_something` looks for, in ASCII.
_CAPITAL = re.compile(r"\s[A-Z][^\s']")
PERSONS = {
    **dict.fromkeys(("i", "me", "my", "mine", "myself", "we", "us", "our", "ours"), f"{ROLE}user"),
    **dict.fromkeys(("you", "your", "yours", "yourself"), f"{ROLE}assistant"),
}
"""Whom a query means that names nobody."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A query, taken apart for ranking."""

    words: tuple[str, ...]
    """Telling words, one form per stem, without the speakers' names where others are left."""
    pairs: frozenset[tuple[str, str]]
    """Stems that stand side by side, but for words that tell nothing."""
    speakers: frozenset[str]
    subject: str
    """Who is named first, of those who ever spoke; often whom it is about."""
    dates: Dates
    when: bool
    many: bool


def take_apart(query: str, speakers: Mapping[str, int]) -> Question:
    """Return what the query asks; `speakers` are the names of those who ever spoke, folded."""
    words = words_of(query)
    asked = [word for word in words if word not in QUESTION_WORDS] or words
    named = named_speakers(words, speakers)
    of_speakers = {stem(word) for name in named if ROLE not in name for word in words_of(name)}
    by_stem = {stem(word): word for word in reversed(telling(words))}
    content = [word for stemmed, word in by_stem.items() if stemmed not in of_speakers]
    kept = content or list(by_stem.values())
    return Question(
        words=tuple(reversed(kept))[:WORDS],
        pairs=frozenset((stem(first), stem(second)) for first, second in pairwise(asked)),
        speakers=frozenset(named),
        subject=named[0] if named else "",
        dates=named_dates(words),
        when=asks_when(words),
        many=asks_how_many(words),
    )


def speaker_of(value: Mapping[str, Any]) -> str:
    """Return who said something: a name, folded, or a role."""
    return str(value.get("name") or "").casefold() or f"{ROLE}{value.get('role') or ''}"


def named_speakers(words: Sequence[str], speakers: Mapping[str, int]) -> list[str]:
    """Return those speakers whom a query names, in its order; "I" and "you" are roles."""
    told = set(words)
    named = {name for name in speakers if ROLE not in name and told.issuperset(words_of(name))}
    places = {name: words.index(words_of(name)[0]) for name in named if words_of(name)}
    for place, word in enumerate(words):
        role = PERSONS.get(word, "")
        if role in speakers:
            places.setdefault(role, place)
    return sorted(places, key=lambda name: places[name])


def names_something(text: str) -> bool:
    """Tell whether a word inside a sentence begins with a capital, other than "I"."""
    if text.isascii():
        before = (text[: found.start()].rstrip()[-1:] for found in _CAPITAL.finditer(text))
        return any(each not in ".!?:" for each in before)
    return any(
        word[:1].isupper() and len(word) > 1 and before[-1] not in ".!?:" and word[1] not in "'’"
        for before, word in pairwise(text.split())
    )
