"""A fact, said to the person it came from."""

import re
from datetime import date
from typing import Final

from threadkeep.extract.extraction import Fact

_SECOND: Final = {"is": "are", "has": "have", "does": "do", "studies": "study", "was": "were"}


def told_to_you(fact: Fact) -> str:
    """Say a fact to the person it came from: "Miriam is your sister", "you live in Bergen"."""
    when = f" ({_when(fact.valid_from)})" if fact.valid_from else ""
    told = _owned(fact.object)
    if fact.is_noun:
        owner = "your" if fact.subject == "user" else f"{_owned(fact.subject)}'s"
        named = fact.object[:1].isupper()
        noun = f"{owner} {fact.predicate}"
        return f"{told} is {noun}{when}" if named else f"{noun} is {told}{when}"
    if fact.subject != "user":
        return f"{_owned(fact.subject)} {fact.predicate} {told}{when}"
    return f"you {_second_person(fact.predicate)} {told}{when}"


def known_to_you(sentence: str) -> str:
    """Say a stored sentence to the person: "user lives in Oslo" is "you live in Oslo"."""
    if sentence.startswith("user "):
        return f"you {_second_person(sentence.removeprefix('user '))}"
    return _owned(sentence)


def _second_person(predicate: str) -> str:
    first, blank, rest = predicate.partition(" ")
    return (
        _SECOND.get(first, first if first.endswith("ss") else first.removesuffix("s"))
        + blank
        + rest
    )


def _owned(words_of: str) -> str:
    return re.sub(r"^my\b", "your", words_of.replace("user's ", "your "))


def _when(iso: str) -> str:
    """Say a year, a month or a day of ISO 8601 in words."""
    if len(iso) == 4:
        return iso
    try:
        moment = date.fromisoformat(iso if len(iso) > 7 else f"{iso}-01")
    except ValueError:
        return iso
    return f"{moment.day} {moment:%B %Y}" if len(iso) > 7 else f"{moment:%B %Y}"
