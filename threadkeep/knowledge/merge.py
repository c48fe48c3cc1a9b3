"""Merge notes into entities and facts: attributes add up, a newer fact supersedes an older."""

from collections.abc import Iterable, Sequence
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.entities import (
    add_mention,
    clean_name,
    describe,
    new_entity,
    put_attribute,
)
from threadkeep.knowledge.facts import SINGLE_VALUED, confirm_fact, key_of, new_fact, with_implied
from threadkeep.knowledge.notes import Note, non_empty, put_ops
from threadkeep.knowledge.suppression import unsuppressed
from threadkeep.stores.namespaces import Namespace, entities_of, entity_key, fact_key, facts_of

Place = tuple[Namespace, str]
Knowledge = dict[Place, dict[str, Any]]
"""Entities and facts by namespace and key."""


async def merge_notes(store: BaseStore, owner: str, notes: Sequence[Note]) -> None:
    """Store notes, the oldest first, and merge them into entities and facts. Idempotent."""
    notes = non_empty(await unsuppressed(store, owner, notes))
    if not notes:
        return
    knowledge = await _read(store, _places(owner, notes))
    knowledge |= await _read(store, _superseded_places(owner, notes, knowledge))
    before = {place: dict(value) for place, value in knowledge.items()}
    for note in notes:
        merge_note(knowledge, owner, note)
    changed = [place for place, value in knowledge.items() if before.get(place) != value]
    puts = [PutOp(namespace, key, knowledge[namespace, key]) for namespace, key in changed]
    await store.abatch([*puts, *put_ops(owner, notes)])


def merge_note(knowledge: Knowledge, owner: str, note: Note) -> None:
    """Merge the entities and facts of one note into `knowledge`, in place."""
    for entity in note.extraction.entities:
        value = _mention(knowledge, owner, entity.name, entity.type, note)
        for name, object_ in entity.attributes.items():
            put_attribute(value, name, object_, single=True)
        value["text"] = describe(value)
    for fact in note.extraction.facts:
        type_ = "person" if fact.subject == "user" else "unknown"
        value = _mention(knowledge, owner, fact.subject, type_, note)
        _merge_fact(knowledge, owner, fact, value, note)
        value["text"] = describe(value)


def keys_of_note(owner: str, note: Note) -> set[str]:
    """Return the keys of the entities and facts that a note alone makes."""
    knowledge: Knowledge = {}
    merge_note(knowledge, owner, note)
    return {key for _, key in knowledge}


def _mention(knowledge: Knowledge, owner: str, name: str, type_: str, note: Note) -> dict[str, Any]:
    name = clean_name(name)
    place = (entities_of(owner), entity_key(name))
    entity = knowledge.setdefault(place, new_entity(name, type_, note.time))
    add_mention(entity, name, type_, note)
    return entity


def _merge_fact(
    knowledge: Knowledge, owner: str, fact: Fact, entity: dict[str, Any], note: Note
) -> None:
    """Add a fact and what it implies; supersede what cannot hold beside them."""
    for stated in with_implied(fact):
        single = stated.predicate in SINGLE_VALUED
        if single:
            _supersede(knowledge, owner, stated, entity, note)
        record = knowledge.setdefault((facts_of(owner), key_of(stated)), new_fact(stated, note))
        confirm_fact(record, note)
        put_attribute(entity, stated.predicate, stated.object, single=single)


def _supersede(
    knowledge: Knowledge, owner: str, fact: Fact, entity: dict[str, Any], note: Note
) -> None:
    """End the facts of the entity that `fact` replaces, unless they were recorded later."""
    for object_ in entity["attributes"].get(fact.predicate, []):
        place = (facts_of(owner), fact_key(fact.subject, fact.predicate, object_))
        old = knowledge.get(place)
        if old and object_ != fact.object and old["recorded_at"] <= note.time:
            old |= {"valid_to": fact.valid_from or note.time, "superseded_by": key_of(fact)}


def _stated_facts(notes: Iterable[Note]) -> list[Fact]:
    return [
        stated for note in notes for fact in note.extraction.facts for stated in with_implied(fact)
    ]


def _places(owner: str, notes: Sequence[Note]) -> set[Place]:
    """Return the places of the entities and facts that the notes name."""
    places: set[Place] = set()
    for note in notes:
        names = [entity.name for entity in note.extraction.entities]
        names += [fact.subject for fact in note.extraction.facts]
        places |= {(entities_of(owner), entity_key(clean_name(name))) for name in names}
    return places | {(facts_of(owner), key_of(fact)) for fact in _stated_facts(notes)}


def _superseded_places(owner: str, notes: Iterable[Note], knowledge: Knowledge) -> set[Place]:
    """Return the places of the facts that the notes may supersede."""
    places: set[Place] = set()
    for fact in _stated_facts(notes):
        entity = knowledge.get((entities_of(owner), entity_key(fact.subject)))
        for old in entity["attributes"].get(fact.predicate, []) if entity else []:
            places.add((facts_of(owner), fact_key(fact.subject, fact.predicate, old)))
    return places - knowledge.keys()


async def _read(store: BaseStore, places: set[Place]) -> Knowledge:
    ordered = sorted(places)
    results = await store.abatch([GetOp(namespace, key) for namespace, key in ordered])
    return {
        place: dict(item.value)
        for place, item in zip(ordered, results, strict=True)
        if isinstance(item, Item)
    }
