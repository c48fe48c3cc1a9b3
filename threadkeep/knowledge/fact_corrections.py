"""Corrections of facts, stored as events and replayed among the notes whenever facts are rebuilt.

A correction applies to what was said before it. A later message that states the old fact again
makes it hold again.
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
from threadkeep.knowledge.facts import IMPLIED, MAX_CHARACTERS, SINGLE_VALUED, key_of
from threadkeep.knowledge.merge import Knowledge
from threadkeep.knowledge.notes import USER
from threadkeep.stores.namespaces import corrections_of, entities_of, entity_key, fact_key, facts_of

_DATE = re.compile(r"\s*\((?:since )?(\d{4}(?:-\d{2}(?:-\d{2})?)?)\)$")
_PREDICATE_AND_OBJECT = re.compile(r"(\S+)\s+(\S.*)")


@dataclass(frozen=True, kw_only=True)
class Correction:
    """The fact that replaces another one."""

    fact: str
    """Key of the corrected fact."""
    stated: Fact
    """The fact that replaces it."""
    at: str
    """When it was corrected, ISO 8601."""

    def put_op(self, owner: str) -> PutOp:
        """Return the operation that stores the correction; it is never searched."""
        value = {"fact": self.fact, "at": self.at, **self.stated.model_dump()}
        # Two corrections of one fact at different times are two events.
        return PutOp(corrections_of(owner), fact_key(self.fact, "", self.at), value, index=False)

    @classmethod
    def of(cls, item: Item) -> "Correction":
        """Return a stored correction."""
        value = item.value
        stated = Fact.model_validate({key: value.get(key) for key in Fact.model_fields})
        return cls(fact=str(value["fact"]), stated=stated, at=str(value["at"]))


def restate(record: Mapping[str, Any], text: str) -> Fact:
    """Return the fact that `text` makes of a stored one: a sentence about it, or its new object.

    The date stays unless `text` has another.
    """
    subject, predicate = str(record["subject"]), str(record["predicate"])
    text = " ".join(text.split()).removesuffix(".")
    valid_from = record.get("valid_from")
    if date := _DATE.search(text):
        valid_from, text = date[1], text[: date.start()]
    fact = Fact(subject=subject, predicate=predicate, object="", valid_from=valid_from)
    for prefix in (f"{subject} {predicate} ", f"{subject}'s {predicate} is "):
        if text.casefold().startswith(prefix.casefold()):
            return _replaced(fact, predicate, text[len(prefix) :])
    if extracted := _extract_about(subject, text, str(record["recorded_at"])):
        best = next((one for one in extracted if one.predicate == predicate), extracted[0])
        valid_from = best.valid_from or valid_from
        return best.model_copy(update={"subject": subject, "valid_from": valid_from})
    if text.casefold().startswith(f"{subject} ".casefold()):
        match = _PREDICATE_AND_OBJECT.fullmatch(text[len(subject) + 1 :])
        if match:
            return _replaced(fact, match[1], match[2])
    return _replaced(fact, predicate, text)


def related_corrections(
    knowledge: Knowledge, owner: str, correction: Correction
) -> list[Correction]:
    """Return the corrections of facts that the same message implies: "moved to", "lives in"."""
    old = knowledge.get((facts_of(owner), correction.fact))
    if old is None or old["predicate"] != correction.stated.predicate:
        return []
    predicates = [state for event, state in IMPLIED.items() if event == old["predicate"]]
    predicates += [event for event, state in IMPLIED.items() if state == old["predicate"]]
    corrections: list[Correction] = []
    for predicate in predicates:
        key = fact_key(old["subject"], predicate, old["object"])
        related = knowledge.get((facts_of(owner), key))
        if not related or related["superseded_by"]:
            continue
        if {*related["sources"]} & {*old["sources"]}:
            stated = correction.stated.model_copy(update={"predicate": predicate})
            corrections.append(Correction(fact=key, stated=stated, at=correction.at))
    return corrections


def apply_correction(knowledge: Knowledge, owner: str, correction: Correction) -> None:
    """Replace the corrected fact, in place, unless it is superseded already."""
    facts, new = facts_of(owner), correction.stated
    old = knowledge.get((facts, correction.fact))
    if old is None or old["superseded_by"]:
        return
    key = key_of(new)
    text = new.sentence[: 3 * MAX_CHARACTERS]
    if key == correction.fact:
        history = [*old.get("history", ()), {"text": old["text"], "until": correction.at}]
        old |= {"text": text, "valid_from": new.valid_from, "history": history}
        return
    old |= {"superseded_by": key, "corrected_at": correction.at}
    existing = knowledge.get((facts, key)) or {}
    history_field = {"history": existing["history"]} if "history" in existing else {}
    knowledge[facts, key] = {
        **old,
        **history_field,
        "subject": new.subject,
        "predicate": new.predicate,
        "object": new.object,
        "valid_from": new.valid_from,
        "valid_to": None,
        "recorded_at": correction.at,
        "written_at": correction.at,
        "superseded_by": None,
        "sources": list(dict.fromkeys([*existing.get("sources", ()), *old["sources"]])),
        "text": text,
        "corrects": correction.fact,
        "corrected_at": correction.at,
    }
    _correct_entity(knowledge, owner, old, new)


def _correct_entity(knowledge: Knowledge, owner: str, old: Mapping[str, Any], new: Fact) -> None:
    """Replace the corrected fact in the attributes of its entity, in place."""
    entity = knowledge.get((entities_of(owner), entity_key(str(old["subject"]))))
    if entity is None:
        return
    corrected = (old["predicate"], old["object"])
    attributes = {
        name: [object_ for object_ in objects if (name, object_) != corrected]
        for name, objects in entity["attributes"].items()
    }
    entity["attributes"] = {name: objects for name, objects in attributes.items() if objects}
    put_attribute(entity, new.predicate, new.object, single=new.predicate in SINGLE_VALUED)
    entity["text"] = describe(entity)


def _extract_about(subject: str, text: str, recorded_at: str) -> list[Fact]:
    """Return the facts that the rules extract from `text` about the subject."""
    if subject == USER:
        # A user is addressed as "you" in what threadkeep shows.
        text = re.sub(r"^your\b", "my", text, flags=re.I)
        text = re.sub(r"^you\b", "I", text, flags=re.I)
    extraction = extract(text, written_at=parse_time(recorded_at))
    return [fact for fact in extraction.facts if fact.subject.casefold() == subject.casefold()]


def _replaced(fact: Fact, predicate: str, object_: str) -> Fact:
    predicate, object_ = predicate[:MAX_CHARACTERS], object_.strip()[:MAX_CHARACTERS]
    return fact.model_copy(update={"predicate": predicate, "object": object_})
