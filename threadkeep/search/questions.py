"""Analyse a query: its content words, its speakers, its dates, and what it asks for."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from threadkeep.search.time_words import Dates, asks_quantity, asks_time, dates_in
from threadkeep.search.words import content_words, stem, without_stop_words, words_of

MAX_WORDS = 24
"""The first content words of a long message are enough, and bound the cost."""
ROLE_MARKER = "\0"
"""Precedes the role of a speaker without a name, so that no name equals a role."""
PRONOUN_ROLES = {
    **dict.fromkeys(
        ("i", "me", "my", "mine", "myself", "we", "us", "our", "ours"), f"{ROLE_MARKER}user"
    ),
    **dict.fromkeys(("you", "your", "yours", "yourself"), f"{ROLE_MARKER}assistant"),
}
"""The speaker that a pronoun refers to, if speakers have no names."""
_ASCII_CAPITAL = re.compile(r"\s[A-Z][^\s']")
_SENTENCE_ENDS = ".!?:"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A query, analysed for ranking."""

    words: tuple[str, ...]
    """Content words, one form per stem; without speakers' names unless there is nothing else."""
    pairs: frozenset[tuple[str, str]]
    """Stems that follow each other, ignoring stop words."""
    speakers: frozenset[str]
    subject: str
    """The speaker mentioned first, often the one that the question is about; or ""."""
    dates: Dates
    asks_time: bool
    asks_quantity: bool


def analyse(query: str, speakers: Collection[str]) -> Question:
    """Return what a query asks; `speakers` are as `speaker_of` returns them."""
    words = words_of(query)
    mentioned = mentioned_speakers(words, speakers)
    names = [name for name in mentioned if ROLE_MARKER not in name]
    name_stems = {stem(word) for name in names for word in words_of(name)}
    # Reversed, so that of several forms of a stem the first one is kept.
    by_stem = {stem(word): word for word in reversed(content_words(words))}
    content = [word for key, word in by_stem.items() if key not in name_stems]
    stems = map(stem, without_stop_words(words))
    return Question(
        words=tuple(reversed(content or list(by_stem.values())))[:MAX_WORDS],
        pairs=frozenset(pairwise(stems)),
        speakers=frozenset(mentioned),
        subject=mentioned[0] if mentioned else "",
        dates=dates_in(words),
        asks_time=asks_time(words),
        asks_quantity=asks_quantity(words),
    )


def speaker_of(value: Mapping[str, Any]) -> str:
    """Return the speaker of a message: the name in lower case, or the marked role."""
    return str(value.get("name") or "").casefold() or f"{ROLE_MARKER}{value.get('role') or ''}"


def mentioned_speakers(words: Sequence[str], speakers: Collection[str]) -> list[str]:
    """Return the speakers that a query mentions, in its order; "I" and "you" mention roles."""
    positions: dict[str, int] = {}
    for name in speakers:
        name_words = words_of(name)
        if ROLE_MARKER not in name and name_words and set(words).issuperset(name_words):
            positions[name] = words.index(name_words[0])
    for position, word in enumerate(words):
        role = PRONOUN_ROLES.get(word, "")
        if role in speakers:
            positions.setdefault(role, position)
    return sorted(positions, key=lambda name: positions[name])


def has_proper_name(text: str) -> bool:
    """Tell whether a word inside a sentence begins with a capital, other than "I"."""
    if text.isascii():
        before = (text[: match.start()].rstrip()[-1:] for match in _ASCII_CAPITAL.finditer(text))
        return any(character not in _SENTENCE_ENDS for character in before)
    return any(
        word[:1].isupper()
        and len(word) > 1
        and before[-1] not in _SENTENCE_ENDS
        and word[1] not in "'’"
        for before, word in pairwise(text.split())
    )
