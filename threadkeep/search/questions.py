"""Analyse a query: its content words, its speakers, its dates, and what it asks for."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from threadkeep.search.stop_words import without_stop_words
from threadkeep.search.time_words import Dates, asks_quantity, asks_time, dates_in
from threadkeep.search.words import content_words, stem, words_of

MAX_WORDS = 24
"""The first content words of a long message are enough, and bound the cost."""
ROLE_MARKER = "\0"
"""Precedes the role of a speaker without a name, so that no name equals a role."""
OTHER, USER, ASSISTANT = range(3)
"""Roles of a speaker; other people and records are neither."""
_PRONOUNS = """i me my mine myself we us our ours ich mir mich mein meine meiner meinem meinen wir
unser unsere yo mi mis je j mon mes 我的 我们 私の 私は"""
PRONOUN_ROLES = dict.fromkeys(_PRONOUNS.split(), f"{ROLE_MARKER}user")
"""The speaker that a pronoun refers to, if speakers have no names."""
_ASKS_ASSISTANT = re.compile(
    r"\b(?:(?:did|have|had|were) you|you (?:said|told|gave|suggest|recommend|mention|explain|propos"
    r"|advis|describ)\w*|your (?:answer|advice|suggestion|recommendation|explanation|reply))\b",
    re.IGNORECASE,
)
_BARE_QUESTION = re.compile(r"[^.!?。！？]*[?？]\s*")
_REQUEST = re.compile(r",|\b(?:my|I'm|I've|I am|I have|we)\b")
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
    asks_assistant: bool
    """The question is about what the assistant said."""


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
        asks_assistant=_ASKS_ASSISTANT.search(query) is not None,
    )


def speaker_of(value: Mapping[str, Any]) -> str:
    """Return the speaker of a message: the name in lower case, or the marked role."""
    return _name_of(value) or f"{ROLE_MARKER}{value.get('role') or ''}"


def role_of(value: Mapping[str, Any]) -> int:
    """Return `USER`, `ASSISTANT` or `OTHER`; a named speaker who answers is another person."""
    role = value.get("role")
    if role == "assistant":
        return OTHER if _name_of(value) else ASSISTANT
    return USER if role == "user" else OTHER


def _name_of(value: Mapping[str, Any]) -> str:
    """Return the name of a speaker in lower case; none for one that is called by its role."""
    name = str(value.get("name") or "").casefold()
    return "" if name == value.get("role") else name


def is_bare_question(text: str) -> bool:
    """Tell whether a text is one question and states nothing beside it."""
    return _BARE_QUESTION.fullmatch(text) is not None and not _REQUEST.search(text)


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
