"""A fact as its user has corrected it: what stands in its place whenever facts are made again.

A correction is an event among the notes. It holds for what was said before it; who says the old
thing again later has said it, and it stands again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import Item, PutOp

from threadkeep.base.clock import parse_time
from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules import extract
from threadkeep.knowledge.entities import describe, put_attribute
from threadkeep.knowledge.facts import IMPLIED, MAX_CHARACTERS, SINGLE_VALUED
from threadkeep.knowledge.merge import Knowledge
from threadkeep.stores.namespaces import corrections_of, entities_of, entity_key, fact_key, facts_of

USER = "user"
_DATE = re.compile(r"\s*\((?:since )?(\d{4}(?:-\d{2}(?:-\d{2})?)?)\)$")
_WORD = re.compile(r"(\S+)\s+(\S.*)")


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a fact is to say instead."""

    fact: str
    """The key of the fact that was corrected."""
    stated: Fact
    at: str
    """When, ISO 8601."""

    def put(self, user: str) -> PutOp:
        """Return what stores it; it is never searched."""
        value = {"fact": self.fact, "at": self.at, **self.stated.model_dump()}
        # Two corrections of a fact at different times are two events.
        return PutOp(corrections_of(user), fact_key(self.fact, "", self.at), value, index=False)

    @classmethod
    def of(cls, item: Item) -> "Correction":
        """Return a stored correction."""
        value = item.value
        stated = Fact.model_validate({key: value.get(key) for key in Fact.model_fields})
        return cls(fact=str(value["fact"]), stated=stated, at=str(value["at"]))


def restated(value: Mapping[str, Any], text: str) -> Fact:
    """Return the fact that `text` makes of a stored one: a sentence about it, or its new object.

    A date that is not told anew stays.
    """
    subject, predicate = str(value["subject"]), str(value["predicate"])
    text = " ".join(text.split()).removesuffix(".")
    when = value.get("valid_from")
    if dated := _DATE.search(text):
        when, text = dated[1], text[: dated.start()]
    old = Fact(subject=subject, predicate=predicate, object="", valid_from=when)
    for begins in (f"{subject} {predicate} ", f"{subject}'s {predicate} is "):
        if text.casefold().startswith(begins.casefold()):
            return _with(old, predicate, text[len(begins) :])
    spoken = re.sub(r"^you\b", "I", re.sub(r"^your\b", "my", text, flags=re.I), flags=re.I)
    said_at = parse_time(str(value["recorded_at"]))
    told = [
        fact
        for fact in extract(spoken if subject == USER else text, written_at=said_at).facts
        if fact.subject.casefold() == subject.casefold()
    ]
    if told:
        best = next((fact for fact in told if fact.predicate == predicate), told[0])
        return best.model_copy(update={"subject": subject, "valid_from": best.valid_from or when})
    about = text.casefold().startswith(f"{subject} ".casefold())
    if about and (split := _WORD.fullmatch(text[len(subject) + 1 :])):
        return _with(old, split[1], split[2])
    return _with(old, predicate, text)


def siblings(known: Knowledge, user: str, correction: Correction) -> list[Correction]:
    """Return the corrections of what else the same words said: "moved to" and "lives in"."""
    old = known.get((facts_of(user), correction.fact))
    if old is None or old["predicate"] != correction.stated.predicate:
        return []
    others = [there for here, there in IMPLIED.items() if here == old["predicate"]]
    others += [here for here, there in IMPLIED.items() if there == old["predicate"]]
    found: list[Correction] = []
    for predicate in others:
        key = fact_key(old["subject"], predicate, old["object"])
        other = known.get((facts_of(user), key))
        if other and not other["superseded_by"] and {*other["sources"]} & {*old["sources"]}:
            stated = correction.stated.model_copy(update={"predicate": predicate})
            found.append(Correction(fact=key, stated=stated, at=correction.at))
    return found


def apply_correction(known: Knowledge, user: str, correction: Correction) -> None:
    """Put what is corrected in the place of what was; nothing where that does not hold anyway."""
    facts, new = facts_of(user), correction.stated
    old = known.get((facts, correction.fact))
    if old is None or old["superseded_by"]:
        return
    key = fact_key(new.subject, new.predicate, new.object)
    sentence = new.sentence[: 3 * MAX_CHARACTERS]
    if key == correction.fact:
        history = [*old.get("history", ()), {"text": old["text"], "until": correction.at}]
        old |= {"text": sentence, "valid_from": new.valid_from, "history": history}
        return
    old |= {"superseded_by": key, "corrected_at": correction.at}
    before = known.get((facts, key)) or {}
    known[facts, key] = {
        **old,
        **{name: told for name, told in before.items() if name == "history"},
        "subject": new.subject,
        "predicate": new.predicate,
        "object": new.object,
        "valid_from": new.valid_from,
        "valid_to": None,
        "recorded_at": correction.at,
        "written_at": correction.at,
        "superseded_by": None,
        "sources": list(dict.fromkeys([*before.get("sources", ()), *old["sources"]])),
        "text": sentence,
        "corrects": correction.fact,
        "corrected_at": correction.at,
    }
    _in_entity(known, user, old, new)


def _in_entity(known: Knowledge, user: str, old: Mapping[str, Any], new: Fact) -> None:
    entity = known.get((entities_of(user), entity_key(str(old["subject"]))))
    if entity is None:
        return
    told = {
        name: [each for each in objects if (name, each) != (old["predicate"], old["object"])]
        for name, objects in entity["attributes"].items()
    }
    entity["attributes"] = {name: objects for name, objects in told.items() if objects}
    put_attribute(entity, new.predicate, new.object, single=new.predicate in SINGLE_VALUED)
    entity["text"] = describe(entity)


def _with(fact: Fact, predicate: str, object_: str) -> Fact:
    told = {"predicate": predicate[:MAX_CHARACTERS], "object": object_.strip()[:MAX_CHARACTERS]}
    return fact.model_copy(update=told)
