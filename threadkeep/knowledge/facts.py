"""Facts as the store holds them: the claims about a triple, and the intervals they fold into."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from threadkeep.base.predicates import PredicateTable, predicate_table
from threadkeep.base.validation import sanitise_text
from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules_words import ANIMALS
from threadkeep.knowledge.notes import USER, Note
from threadkeep.knowledge.timeline import Claim, Interval
from threadkeep.stores.namespaces import fact_key

Record = dict[str, Any]
MAX_CHARACTERS = 300
"""Of a subject, a predicate or an object; a sentence has up to three times as many."""
MAX_SOURCES = 20
MAX_CLAIMS = 50
"""Of one triple; the first and the newest are kept."""
_RELATION_OF = re.compile(r"(?:is )?(?:the )?(.+) of", re.IGNORECASE)
_ROLE = re.compile(rf"{USER}'s (.+)", re.IGNORECASE)
NAME_PREDICATE = "is named"
_CLAIM_FIELDS = ("valid_from", "valid_to", "negated", "status", "replaces")


def with_implied(fact: Fact) -> list[Fact]:
    """Return a claim by its canonical predicate, and what it implies of states and inverses.

    Who moved to Oslo lives in Oslo; who left Initech works there no longer; whose husband is
    Roland is whom Roland is married to.
    """
    table = predicate_table()
    fact = canonical_fact(fact)
    facts = {key_of(fact): fact}
    pending = [fact]
    while pending:
        for implied in _implied(pending.pop(), table):
            if facts.setdefault(key_of(implied), implied) is implied:
                pending.append(implied)
    return list(facts.values())


def canonical_fact(fact: Fact) -> Fact:
    """Return a claim by its canonical predicate.

    "Miriam is the sister of user" and "user's sister is named Miriam" are both "user sister
    Miriam".
    """
    table = predicate_table()
    name = table.canonical(fact.predicate)
    match = None if name in table.predicates else _RELATION_OF.fullmatch(name)
    relation = table.canonical(match[1]) if match else ""
    if table.of(relation).family:
        swapped = {"subject": fact.object, "object": fact.subject, "predicate": relation}
        return fact.model_copy(update=swapped)
    if name == NAME_PREDICATE and (match := _ROLE.fullmatch(fact.subject)):
        relation = table.canonical(match[1])
        if is_relation(relation):
            return fact.model_copy(update={"subject": USER, "predicate": relation})
    return fact if name == fact.predicate else fact.model_copy(update={"predicate": name})


def is_relation(predicate: str) -> bool:
    """Return whether a predicate is a relation to a person or an animal."""
    return bool(predicate_table().of(predicate).family) or predicate in ANIMALS


def _implied(fact: Fact, table: PredicateTable) -> list[Fact]:
    predicate = table.of(fact.predicate)
    facts: list[Fact] = []
    if predicate.implies:
        facts.append(fact.model_copy(update={"predicate": predicate.implies}))
    if not fact.negated:
        end = {"negated": True, "valid_to": None}
        facts += [fact.model_copy(update={**end, "predicate": state}) for state in predicate.ends]
    if predicate.inverse and USER not in (fact.subject, fact.object):
        swapped = {"subject": fact.object, "object": fact.subject, "predicate": predicate.inverse}
        facts.append(fact.model_copy(update=swapped))
    return facts


def key_of(fact: Fact) -> str:
    """Return the key under which a fact is stored."""
    return fact_key(fact.subject, fact.predicate, fact.object)


def new_fact(fact: Fact, note: Note) -> Record:
    """Return the record of a triple that `note` is the first to claim."""
    return {
        "subject": clean(fact.subject),
        "predicate": clean(fact.predicate),
        "object": clean(fact.object),
        "claims": [],
        "intervals": [],
        "valid_from": None,
        "valid_to": None,
        "recorded_at": note.time,
        "written_at": note.written_at,
        "superseded_by": None,
        "sources": [],
        "text": "",
    }


def add_claim(record: Record, fact: Fact, note: Note) -> None:
    """Add what `note` claims of a triple to its record, in place, once for each message."""
    claim = {"stated_at": note.order, "message": note.message} | {
        field: value
        for field in _CLAIM_FIELDS
        if (value := getattr(fact, field)) != Fact.model_fields[field].default
    }
    claims = record.setdefault("claims", _claims_of_earlier_version(record))
    if claim in claims:
        return
    # The record is of a copy: lists that others may hold are not changed.
    claims = [*claims, claim]
    record["claims"] = [*claims[:1], *claims[1:][1 - MAX_CLAIMS :]]
    record["sources"] = list(dict.fromkeys([*record["sources"], note.message]))[-MAX_SOURCES:]
    if not fact.negated:
        record["recorded_at"] = max(record["recorded_at"], note.time)


def claims_of(record: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield the claims of a record that no correction has taken back."""
    retracted_at = str(record.get("retracted_at") or "")
    claims = record.get("claims")
    for claim in _claims_of_earlier_version(record) if claims is None else claims:
        if claim["stated_at"] > retracted_at:
            yield Claim(object=record["object"], **claim)


def set_intervals(record: Record, intervals: Sequence[Interval]) -> None:
    """Store the intervals in which a triple holds, and what follows from the last, in place."""
    record["intervals"] = [_interval_value(interval) for interval in intervals]
    if not intervals:
        # It never was: the text and the dates tell what was said before it was corrected.
        record["text"] = record["text"] or _text(record)
        return
    last = intervals[-1]
    dates = {claim.get("valid_from") for claim in record["claims"]}
    record["valid_from"] = last.start if last.start in dates else None
    record["valid_to"] = last.end
    record["superseded_by"] = (
        fact_key(record["subject"], record["predicate"], last.successor) if last.successor else None
    )
    record["text"] = _text(record, last)


def clean(text: str) -> str:
    """Return a subject, a predicate or an object as it is stored."""
    return sanitise_text(text)[:MAX_CHARACTERS]


def _text(record: Mapping[str, Any], interval: Interval | None = None) -> str:
    """Return the sentence of a fact."""
    fact = Fact(
        subject=record["subject"],
        predicate=record["predicate"],
        object=record["object"],
        valid_from=record["valid_from"],
        negated=bool(interval and interval.negated),
        status="planned" if interval and interval.planned else "asserted",
    )
    return sanitise_text(fact.sentence)[: 3 * MAX_CHARACTERS]


def _interval_value(interval: Interval) -> dict[str, Any]:
    value: dict[str, Any] = {"from": interval.start, "to": interval.end}
    value |= {"planned": True} if interval.planned else {}
    return value | ({"negated": True} if interval.negated else {})


def _claims_of_earlier_version(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the claim that a record without claims was made of."""
    if not record["sources"]:
        return []
    claim = {"stated_at": record["recorded_at"], "message": record["sources"][0]}
    return [claim | ({"valid_from": record["valid_from"]} if record["valid_from"] else {})]
