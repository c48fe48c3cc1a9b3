"""Objects: what must stand behind a verb, by kind, read from a place in a sentence."""

from collections.abc import Callable
from typing import Final

from threadkeep.extract.rules_dates import month_of, starts_date
from threadkeep.extract.rules_tokens import BREAKS
from threadkeep.extract.rules_verbs import VERBS
from threadkeep.extract.rules_words import (
    DAYS,
    JOBS,
    MONTHS,
    NO_POSSESSION,
    NOT_NAMES,
    NUMBERS,
    PREPOSITIONS,
    STOPS,
    TRAITS,
    VAGUE,
)

LONGEST: Final = 8
_JOINERS: Final = frozenset(
    "of the de la las los da do dos di du del van von der den al el &".split()
)
_ARTICLES: Final = frozenset(("a", "an", "the"))
_COUNTS: Final = frozenset(NUMBERS) | {"some", "many", "several", "three", "my"}
_LANGUAGES: Final = frozenset(
    "english french german spanish italian portuguese dutch swedish danish norwegian finnish "
    "polish russian chinese mandarin cantonese japanese korean arabic turkish greek hindi hebrew "
    "latin catalan basque welsh irish gaelic czech slovak hungarian romanian bulgarian serbian "
    "croatian ukrainian persian farsi urdu bengali tamil thai vietnamese indonesian malay swahili "
    "zulu icelandic estonian latvian lithuanian esperanto".split()
)

Phrase = tuple[str, int]
"""The words of an object, and the place behind it."""


def is_name(token: str) -> bool:
    """Tell whether `token` looks like a part of somebody's name: "Miriam", "O'Neil", "Žofie"."""
    if len(token) < 2 or not token[0].isupper() or token.lower() in NOT_NAMES:
        return False
    letters = token.replace("-", "").replace("'", "").replace(".", "")
    return letters.isalpha() and not token.isupper()


def read_name(tokens: list[str], at: int, most: int = 3) -> Phrase | None:
    """Return the name that begins at `at`: one to three capitalised words."""
    end = at
    while end < len(tokens) and end - at < most and is_name(tokens[end]):
        end += 1
    return (" ".join(tokens[at:end]), end) if end > at else None


def read_proper(tokens: list[str], at: int) -> Phrase | None:
    """Return the proper noun at `at`: "Lisbon", "the Netherlands", "Bank of Norway"."""
    begin = at + (at < len(tokens) and tokens[at].lower() == "the")
    end, kept = begin, begin
    while end < len(tokens) and end - begin < LONGEST:
        token = tokens[end]
        if token[0].isupper() or (end > begin and token[0].isdigit()):
            kept = end + 1
        elif end == begin or not (token in _JOINERS or _owns(tokens, end)):
            break
        end += 1
    if kept == begin or tokens[begin].lower() in _NOT_PROPER or month_of(tokens, begin):
        return None
    return " ".join(tokens[at:kept]).replace(" 's", "'s"), kept


def _owns(tokens: list[str], at: int) -> bool:
    """Tell whether a possessive stands inside a proper noun, as in "St Mary's Hospital"."""
    return tokens[at] == "'s" and at + 1 < len(tokens) and tokens[at + 1][0].isupper()


_NOT_PROPER: Final = frozenset(DAYS) | frozenset(MONTHS) | (VAGUE | {"i", "a", "an", "ok"})


def read_words(tokens: list[str], at: int, *, stop: frozenset[str]) -> Phrase | None:
    """Return the words from `at` to a mark, a time, a new clause or one of `stop`."""
    end = at
    while end < len(tokens) and end - at < LONGEST:
        low = tokens[end].lower()
        if tokens[end] in BREAKS or low in stop or starts_date(tokens, end):
            break
        if low in STOPS and not (low in ("and", "or") and _goes_on(tokens, end + 1)):
            break
        end += 1
    while end > at and tokens[end - 1].lower() in _DANGLING:
        end -= 1
    return (" ".join(tokens[at:end]), end) if end > at else None


_DANGLING: Final = frozenset("too either though lot much most more very so and or as well".split())


def _goes_on(tokens: list[str], at: int) -> bool:
    """Tell whether "and" joins a second object, rather than a second statement."""
    if at + 1 < len(tokens) and tokens[at + 1].lower() in VERBS:
        return False
    low = tokens[at].lower() if at < len(tokens) else "i"
    return low not in VERBS and low not in _SUBJECTS and tokens[at] not in BREAKS


_SUBJECTS: Final = frozenset(
    "i i'm we he she they it you my our his her their then also just never not do does did would "
    "will have has am is are was were moved lived born that this there".split()
)


def _thing(tokens: list[str], at: int) -> Phrase | None:
    found = read_words(tokens, at, stop=PREPOSITIONS | VAGUE)
    return None if found and found[0].lower() in _ARTICLES else found


def _liking(tokens: list[str], at: int) -> Phrase | None:
    """Return what is liked: many words, but not "it", "you", "the way you ..."."""
    first = tokens[at].lower() if at < len(tokens) else "it"
    if first in VAGUE or first in NO_POSSESSION or first in ("not", "if", "way"):
        return None
    found = read_words(tokens, at, stop=VAGUE | {"i", "we", "for", "too", "with"})
    behind = tokens[found[1]].lower() if found and found[1] < len(tokens) else ""
    vague = behind in ("you", "your", "i", "we", "it", "how", "what", "him", "her", "this", "that")
    return None if vague or (found and found[0].lower() in _ARTICLES) else found


def _having(tokens: list[str], at: int) -> Phrase | None:
    """Return what is had: counted or with an article, and not a question, a lot or a meeting."""
    first = tokens[at].lower() if at < len(tokens) else ""
    if first not in _COUNTS and first not in _ARTICLES and not first.isdecimal():
        return None
    found = read_words(tokens, at, stop=PREPOSITIONS | VAGUE)
    if found is None or found[1] - at < 2:
        return None
    inside = {token.lower() for token in tokens[at : found[1]]}
    return None if inside & NO_POSSESSION else found


def _job(tokens: list[str], at: int) -> Phrase | None:
    begin = at + (at < len(tokens) and tokens[at].lower() in _ARTICLES)
    return read_words(tokens, begin, stop=PREPOSITIONS | VAGUE)


def _being(tokens: list[str], at: int) -> Phrase | None:
    """Return a job or a trait: "a nurse", "vegetarian", "34 years old"."""
    if at < len(tokens) and tokens[at].lower() in TRAITS:
        return tokens[at], at + 1
    if [token.lower() for token in tokens[at + 1 : at + 3]] in (["years", "old"], ["year", "old"]):
        number = _number(tokens, at)
        return number and (number[0], at + 3)
    if at + 1 < len(tokens) and tokens[at].lower() in ("a", "an"):
        found = read_words(tokens, at + 1, stop=PREPOSITIONS | VAGUE)
        if found and found[0].split()[-1].lower() in JOBS | TRAITS and found[1] - at <= 5:
            return found
    return None


def _number(tokens: list[str], at: int) -> Phrase | None:
    good = at < len(tokens) and tokens[at].isdecimal() and 0 < len(tokens[at]) < 4
    return (tokens[at], at + 1) if good else None


def _date(tokens: list[str], at: int) -> Phrase | None:
    """Return the words of a date: "3 May", "the 3rd of May 1990"."""
    at += at < len(tokens) and tokens[at].lower() == "on"
    at += at < len(tokens) and tokens[at].lower() == "the"
    end = at
    while end < len(tokens) and end - at < 5 and _of_date(tokens, end):
        end += 1
    named = any(month_of(tokens, place) for place in range(at, end))
    iso = end == at + 1 and tokens[at].count("-") == 2
    return (" ".join(tokens[at:end]), end) if named or iso else None


def _of_date(tokens: list[str], at: int) -> bool:
    low = tokens[at].lower()
    return low == "of" or low[0].isdecimal() or month_of(tokens, at) is not None


def _language(tokens: list[str], at: int) -> Phrase | None:
    end = at
    while end < len(tokens) and tokens[end].lower() in _LANGUAGES | {"and", ",", "fluent"}:
        end += 1
    while end > at and tokens[end - 1] in ("and", ","):
        end -= 1
    return (" ".join(tokens[at:end]).replace(" ,", ","), end) if end > at else None


KINDS: Final[dict[str, Callable[[list[str], int], Phrase | None]]] = {
    "place": read_proper,
    "organisation": read_proper,
    "person": read_name,
    "name": read_name,
    "thing": _thing,
    "liking": _liking,
    "having": _having,
    "job": _job,
    "being": _being,
    "number": _number,
    "date": _date,
    "language": _language,
}


def read_object(kind: str, tokens: list[str], at: int) -> Phrase | None:
    """Return the object of that kind at `at`, or None."""
    return KINDS[kind](tokens, at)
