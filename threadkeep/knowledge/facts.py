"""Facts as the store holds them, and what their predicates imply."""

from typing import Any

from threadkeep.base.validation import sanitise_text
from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.notes import Note
from threadkeep.stores.namespaces import fact_key

SINGLE_VALUED = frozenset(
    {"lives in", "works at", "works as", "is named", "is called", "birthday", "age", "married to"}
)
"""Predicates that have one object at a time: a new fact supersedes the old one."""
IMPLIED = {"moved to": "lives in", "started at": "works at"}
"""Predicates of events, and the predicate of the state that follows from each."""
MAX_CHARACTERS = 300
"""Of a subject, a predicate or an object; a sentence has up to three times as many."""
MAX_SOURCES = 20


def with_implied(fact: Fact) -> list[Fact]:
    """Return the fact, and the fact that it implies: who moved to Oslo lives in Oslo."""
    implied = IMPLIED.get(fact.predicate)
    return [fact, fact.model_copy(update={"predicate": implied})] if implied else [fact]


def key_of(fact: Fact) -> str:
    """Return the key under which a fact is stored."""
    return fact_key(fact.subject, fact.predicate, fact.object)


def new_fact(fact: Fact, note: Note) -> dict[str, Any]:
    """Return the record of a fact that `note` states for the first time."""
    return {
        "subject": sanitise_text(fact.subject)[:MAX_CHARACTERS],
        "predicate": sanitise_text(fact.predicate)[:MAX_CHARACTERS],
        "object": sanitise_text(fact.object)[:MAX_CHARACTERS],
        "valid_from": fact.valid_from,
        "valid_to": None,
        "recorded_at": note.time,
        "written_at": note.written_at,
        "superseded_by": None,
        "sources": [note.message],
        "text": sanitise_text(fact.sentence)[: 3 * MAX_CHARACTERS],
    }


def confirm_fact(record: dict[str, Any], note: Note) -> None:
    """Add `note` to the sources of a fact, in place; a superseded fact then holds again."""
    if note.message in record["sources"]:
        return
    record["sources"] = [*record["sources"], note.message][-MAX_SOURCES:]
    record |= {"superseded_by": None, "valid_to": None, "recorded_at": note.time}
    record.pop("corrected_at", None)
