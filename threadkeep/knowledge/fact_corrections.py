"""Corrections of facts, stored as events and replayed among the notes whenever facts are rebuilt.

A correction applies to what was said before it. A later message that states the old fact again
makes it hold again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from langgraph.store.base import Item, PutOp

from threadkeep.base.clock import parse_time
from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Extraction, Fact
from threadkeep.extract.rules import extract
from threadkeep.knowledge.entities import add_to_timeline, describe
from threadkeep.knowledge.facts import MAX_CHARACTERS, key_of, new_fact
from threadkeep.knowledge.merge_note import Knowledge, fold_timeline
from threadkeep.knowledge.notes import USER, Note
from threadkeep.stores.namespaces import corrections_of, entities_of, entity_key, fact_key, facts_of

_DATE = re.compile(r"\s*\((?:since )?(\d{4}(?:-\d{2}(?:-\d{2})?)?)\)$")
_STORED_FIELDS = {"subject", "predicate", "object", "valid_from"}
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
    stated_keys: tuple[str, ...] = ()
    """Keys of the corrected fact under the names by which messages state it."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the corrected fact has or had."""
        return (self.fact, *self.stated_keys)

    def put_op(self, owner: str) -> PutOp:
        """Return the operation that stores the correction; it is never searched."""
        stated = self.stated.model_dump(include=_STORED_FIELDS)
        value = {"fact": self.fact, "at": self.at, **stated}
        value |= {"stated_keys": list(self.stated_keys)} if self.stated_keys else {}
        # Two corrections of one fact at different times are two events.
        return PutOp(corrections_of(owner), fact_key(self.fact, "", self.at), value, index=False)

    @classmethod
    def of(cls, item: Item) -> "Correction":
        """Return a stored correction."""
        value = item.value
        stated = Fact.model_validate({key: value.get(key) for key in _STORED_FIELDS})
        return cls(
            fact=str(value["fact"]),
            stated=stated,
            at=str(value["at"]),
            stated_keys=tuple(value.get("stated_keys") or ()),
        )


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
    table = predicate_table()
    predicates = [table.of(old["predicate"]).implies or ""]
    predicates += [name for name, p in table.predicates.items() if p.implies == old["predicate"]]
    corrections: list[Correction] = []
    for predicate in predicates:
        key = fact_key(old["subject"], predicate, old["object"])
        related = knowledge.get((facts_of(owner), key))
        if not related or related["superseded_by"] or not predicate:
            continue
        if {*related["sources"]} & {*old["sources"]}:
            stated = correction.stated.model_copy(update={"predicate": predicate})
            corrections.append(Correction(fact=key, stated=stated, at=correction.at))
    return corrections


def apply_correction(knowledge: Knowledge, owner: str, correction: Correction) -> None:
    """Replace the corrected fact, in place, unless it is superseded already.

    What it claimed before never was; the new fact takes its place in time.
    """
    facts, at = facts_of(owner), correction.at
    old = knowledge.get((facts, correction.fact))
    if old is None or old["superseded_by"]:
        return
    new = correction.stated.model_copy(update={"subject": old["subject"]})
    key, subject, predicate = key_of(new), str(old["subject"]), str(old["predicate"])
    claim = {"stated_at": at if key == correction.fact else _first_statement(old, at)}
    claim |= {"message": (old["sources"] or [""])[0]}
    claim |= {"valid_from": new.valid_from} if new.valid_from else {}
    if key == correction.fact:
        history = [*old.get("history", ()), {"text": old["text"], "until": at}]
        claims = [*old["claims"], claim | {"stated_at": _after(at)}]
        old |= {"history": history, "retracted_at": at, "claims": claims}
        fold_timeline(knowledge, owner, subject, predicate, [old["object"]])
        return
    old |= {"superseded_by": key, "corrected_at": at, "retracted_at": at}
    record = dict(knowledge.get((facts, key)) or new_fact(new, _note_of(old, at)))
    record |= {"claims": [*record.get("claims", ()), claim], "recorded_at": at, "written_at": at}
    record["sources"] = list(dict.fromkeys([*record["sources"], *old["sources"]]))
    record |= {"corrects": correction.fact, "corrected_at": at}
    knowledge[facts, key] = record
    _refold(knowledge, owner, old, record)


def _refold(
    knowledge: Knowledge, owner: str, old: Mapping[str, Any], record: Mapping[str, Any]
) -> None:
    """Fold the timelines of the old and the new fact, and describe the entity, in place."""
    entity = knowledge.get((entities_of(owner), entity_key(str(old["subject"]))))
    if entity is None:
        return
    if predicate_table().of(record["predicate"]).single:
        add_to_timeline(entity, record["predicate"], record["object"])
    for fact in (old, record):
        fold_timeline(knowledge, owner, old["subject"], fact["predicate"], [fact["object"]])
    entity["text"] = describe(entity)


def _first_statement(old: Mapping[str, Any], at: str) -> str:
    return min((claim["stated_at"] for claim in old.get("claims") or ()), default=at)


def _after(at: str) -> str:
    return (parse_time(at) + timedelta(microseconds=1)).isoformat()


def _note_of(old: Mapping[str, Any], at: str) -> Note:
    message = (old["sources"] or [""])[0]
    return Note(message=message, thread="", time=at, extraction=Extraction(), written_at=at)


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
