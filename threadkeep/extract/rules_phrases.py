"""Read the object of a verb by its kind, from an index in the tokens of a sentence."""

from collections.abc import Callable, Container
from typing import Final, NamedTuple

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

MAX_WORDS: Final = 8
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
_NOT_PROPER: Final = frozenset(DAYS) | frozenset(MONTHS) | (VAGUE | {"i", "a", "an", "ok"})
_DANGLING: Final = frozenset("too either though lot much most more very so and or as well".split())
_CLAUSE_WORDS: Final = frozenset(
    "i i'm we he she they it you my our his her their then also just never not do does did would "
    "will have has am is are was were moved lived born that this there".split()
)
"""After "and", each of these begins a second statement."""
_AFTER_VAGUE_LIKING: Final = frozenset("you your i we it how what him her this that".split())


class Phrase(NamedTuple):
    """The words of an object, and the index after them."""

    text: str
    end: int


def is_name(token: str) -> bool:
    """Return whether `token` looks like part of a name: "Miriam", "O'Neil", "Žofie"."""
    if len(token) < 2 or not token[0].isupper() or token.lower() in NOT_NAMES:
        return False
    letters = token.replace("-", "").replace("'", "").replace(".", "")
    return letters.isalpha() and not token.isupper()


def read_name(tokens: list[str], start: int, max_words: int = 3) -> Phrase | None:
    """Return the name at `start`: one to three capitalised words."""
    end = start
    while end < len(tokens) and end - start < max_words and is_name(tokens[end]):
        end += 1
    return _phrase(tokens, start, end)


def read_proper_noun(tokens: list[str], start: int) -> Phrase | None:
    """Return the proper noun at `start`: "Lisbon", "the Netherlands", "Bank of Norway"."""
    noun_start = start + _has_word(tokens, start, {"the"})
    index = end = noun_start
    while index < len(tokens) and index - noun_start < MAX_WORDS:
        token = tokens[index]
        if token[0].isupper() or (index > noun_start and token[0].isdigit()):
            end = index + 1
        elif index == noun_start or not (token in _JOINERS or _is_possessive(tokens, index)):
            break
        index += 1
    if end == noun_start or tokens[noun_start].lower() in _NOT_PROPER:
        return None
    if month_of(tokens, noun_start):
        return None
    return Phrase(" ".join(tokens[start:end]).replace(" 's", "'s"), end)


def read_words(tokens: list[str], start: int, *, stop: frozenset[str]) -> Phrase | None:
    """Return the words from `start` up to a mark, a time, a new clause or one of `stop`."""
    end = start
    while end < len(tokens) and end - start < MAX_WORDS:
        word = tokens[end].lower()
        if tokens[end] in BREAKS or word in stop or starts_date(tokens, end):
            break
        if word in STOPS and not (word in ("and", "or") and _joins_object(tokens, end + 1)):
            break
        end += 1
    while end > start and tokens[end - 1].lower() in _DANGLING:
        end -= 1
    return _phrase(tokens, start, end)


def _phrase(tokens: list[str], start: int, end: int) -> Phrase | None:
    return Phrase(" ".join(tokens[start:end]), end) if end > start else None


def _has_word(tokens: list[str], index: int, words: Container[str]) -> bool:
    return index < len(tokens) and tokens[index].lower() in words


def _is_possessive(tokens: list[str], index: int) -> bool:
    """Return whether a possessive stands inside a proper noun, as in "St Mary's Hospital"."""
    return tokens[index] == "'s" and index + 1 < len(tokens) and tokens[index + 1][0].isupper()


def _joins_object(tokens: list[str], index: int) -> bool:
    """Return whether the "and" before `index` joins an object, not a second statement."""
    if _has_word(tokens, index + 1, VERBS):
        return False
    word = tokens[index].lower() if index < len(tokens) else "i"
    return word not in VERBS and word not in _CLAUSE_WORDS and tokens[index] not in BREAKS


def _read_thing(tokens: list[str], start: int) -> Phrase | None:
    phrase = read_words(tokens, start, stop=PREPOSITIONS | VAGUE)
    return None if phrase and phrase.text.lower() in _ARTICLES else phrase


def _read_liking(tokens: list[str], start: int) -> Phrase | None:
    """Return what somebody likes: many words, but not "it", "you", "the way you ..."."""
    first = tokens[start].lower() if start < len(tokens) else "it"
    if first in VAGUE or first in NO_POSSESSION or first in ("not", "if", "way"):
        return None
    phrase = read_words(tokens, start, stop=VAGUE | {"i", "we", "for", "too", "with"})
    if phrase is None or phrase.text.lower() in _ARTICLES:
        return None
    return None if _has_word(tokens, phrase.end, _AFTER_VAGUE_LIKING) else phrase


def _read_possession(tokens: list[str], start: int) -> Phrase | None:
    """Return what somebody has, with a number or an article; not a question or a meeting."""
    first = tokens[start].lower() if start < len(tokens) else ""
    if first not in _COUNTS and first not in _ARTICLES and not first.isdecimal():
        return None
    phrase = read_words(tokens, start, stop=PREPOSITIONS | VAGUE)
    if phrase is None or phrase.end - start < 2:
        return None
    words = {token.lower() for token in tokens[start : phrase.end]}
    return None if words & NO_POSSESSION else phrase


def _read_job(tokens: list[str], start: int) -> Phrase | None:
    start += _has_word(tokens, start, _ARTICLES)
    return read_words(tokens, start, stop=PREPOSITIONS | VAGUE)


def _read_being(tokens: list[str], start: int) -> Phrase | None:
    """Return a job or a trait: "a nurse", "vegetarian", "34 years old"."""
    if _has_word(tokens, start, TRAITS):
        return Phrase(tokens[start], start + 1)
    next_words = [token.lower() for token in tokens[start + 1 : start + 3]]
    if next_words in (["years", "old"], ["year", "old"]):
        number = _read_number(tokens, start)
        return number and Phrase(number.text, start + 3)
    if start + 1 < len(tokens) and tokens[start].lower() in ("a", "an"):
        phrase = read_words(tokens, start + 1, stop=PREPOSITIONS | VAGUE)
        if phrase and phrase.end - start <= 5:
            return phrase if phrase.text.split()[-1].lower() in JOBS | TRAITS else None
    return None


def _read_number(tokens: list[str], start: int) -> Phrase | None:
    is_number = start < len(tokens) and tokens[start].isdecimal() and 0 < len(tokens[start]) < 4
    return Phrase(tokens[start], start + 1) if is_number else None


def _read_date(tokens: list[str], start: int) -> Phrase | None:
    """Return the words of a date: "3 May", "the 3rd of May 1990"."""
    start += _has_word(tokens, start, {"on"})
    start += _has_word(tokens, start, {"the"})
    end = start
    while end < len(tokens) and end - start < 5 and _is_date_word(tokens, end):
        end += 1
    has_month = any(month_of(tokens, index) for index in range(start, end))
    is_iso = end == start + 1 and tokens[start].count("-") == 2
    return _phrase(tokens, start, end) if has_month or is_iso else None


def _is_date_word(tokens: list[str], index: int) -> bool:
    word = tokens[index].lower()
    return word == "of" or word[0].isdecimal() or month_of(tokens, index) is not None


def _read_languages(tokens: list[str], start: int) -> Phrase | None:
    end = start
    while end < len(tokens) and tokens[end].lower() in _LANGUAGES | {"and", ",", "fluent"}:
        end += 1
    while end > start and tokens[end - 1] in ("and", ","):
        end -= 1
    phrase = _phrase(tokens, start, end)
    return phrase and Phrase(phrase.text.replace(" ,", ","), end)


READERS: Final[dict[str, Callable[[list[str], int], Phrase | None]]] = {
    "place": read_proper_noun,
    "organisation": read_proper_noun,
    "person": read_name,
    "name": read_name,
    "thing": _read_thing,
    "liking": _read_liking,
    "having": _read_possession,
    "job": _read_job,
    "being": _read_being,
    "number": _read_number,
    "date": _read_date,
    "language": _read_languages,
}


def read_object(kind: str, tokens: list[str], start: int) -> Phrase | None:
    """Return the object of a kind at `start`, or None."""
    return READERS[kind](tokens, start)
