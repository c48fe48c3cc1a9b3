"""A fact, said to the person it came from."""

import re
from datetime import date
from typing import Final

from chat_models.extraction import Fact

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
    first, _, rest = fact.predicate.partition(" ")
    verb = _SECOND.get(first, first.removesuffix("s"))
    return f"you {' '.join(filter(None, (verb, rest)))} {told}{when}"


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
