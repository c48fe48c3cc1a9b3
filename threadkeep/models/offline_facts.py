"""Put facts into words for the person who told them."""

import re
from datetime import date
from typing import Final

from threadkeep.extract.extraction import Fact

_SECOND_PERSON: Final = {
    "is": "are",
    "has": "have",
    "does": "do",
    "studies": "study",
    "was": "were",
}


def fact_to_user(fact: Fact) -> str:
    """Return a fact as told to the user: "Miriam is your sister", "you live in Bergen"."""
    day = f" ({_date_in_words(fact.valid_from)})" if fact.valid_from else ""
    if fact.negated:
        day = f" (no longer{day and ', '}{day.strip(' ()')})"
    object_ = _second_person(fact.object)
    if fact.is_noun:
        owner = "your" if fact.subject == "user" else f"{_second_person(fact.subject)}'s"
        noun = f"{owner} {fact.predicate}"
        is_name = fact.object[:1].isupper()
        return f"{object_} is {noun}{day}" if is_name else f"{noun} is {object_}{day}"
    if fact.subject != "user":
        return f"{_second_person(fact.subject)} {fact.predicate} {object_}{day}"
    return f"you {_second_person_verb(fact.predicate)} {object_}{day}"


def sentence_to_user(sentence: str) -> str:
    """Return a stored sentence as told to the user: "user lives in Oslo" as "you live in Oslo"."""
    if sentence.startswith("user "):
        return f"you {_second_person_verb(sentence.removeprefix('user '))}"
    return _second_person(sentence)


def _second_person_verb(predicate: str) -> str:
    verb, blank, rest = predicate.partition(" ")
    regular = verb if verb.endswith("ss") else verb.removesuffix("s")
    return _SECOND_PERSON.get(verb, regular) + blank + rest


def _second_person(phrase: str) -> str:
    return re.sub(r"^my\b", "your", phrase.replace("user's ", "your "))


def _date_in_words(iso_date: str) -> str:
    """Return a year, a month or a day of ISO 8601 in words."""
    if len(iso_date) == 4:
        return iso_date
    has_day = len(iso_date) > 7
    try:
        day = date.fromisoformat(iso_date if has_day else f"{iso_date}-01")
    except ValueError:
        return iso_date
    return f"{day.day} {day:%B %Y}" if has_day else f"{day:%B %Y}"
