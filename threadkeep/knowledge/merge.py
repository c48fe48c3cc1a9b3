"""Merge notes into entities and facts: claims are added, and their timelines folded anew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.clock import parse_time
from threadkeep.base.fact_time import holds_at
from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules_words import RELATIONS
from threadkeep.knowledge.entities import (
    add_mention,
    add_to_timeline,
    describe,
    new_entity,
    put_attribute,
    set_attribute,
)
from threadkeep.knowledge.facts import (
    add_claim,
    claims_of,
    clean,
    key_of,
    new_fact,
    set_intervals,
    with_implied,
)
from threadkeep.knowledge.notes import USER, Note, non_empty, put_ops
from threadkeep.knowledge.suppression import unsuppressed
from threadkeep.knowledge.timeline import fold
from threadkeep.stores.namespaces import Namespace, entities_of, entity_key, fact_key, facts_of

Place = tuple[Namespace, str]
Knowledge = dict[Place, dict[str, Any]]
"""Entities and facts by namespace and key."""


async def merge_notes(
    store: BaseStore, owner: str, notes: Sequence[Note], *, live: bool = False
) -> None:
    """Store notes, the oldest first, and merge them into entities and facts. Idempotent.

    `live` notes are of a turn: they count as told after all that was told before, also where the
    clock was set back.
    """
    notes = non_empty(await unsuppressed(store, owner, notes))
    if not notes:
        return
    variants = variants_of(notes)
    knowledge = await _read(store, _places(owner, variants))
    knowledge |= await _read(store, _timeline_places(owner, variants, knowledge))
    if live:
        notes = [_after_all(knowledge, note) for note in notes]
    before = {place: dict(value) for place, value in knowledge.items()}
    for note in notes:
        merge_note(knowledge, owner, note)
    changed = [place for place, value in knowledge.items() if before.get(place) != value]
    puts = [PutOp(namespace, key, knowledge[namespace, key]) for namespace, key in changed]
    await store.abatch([*puts, *put_ops(owner, notes)])


def merge_note(knowledge: Knowledge, owner: str, note: Note) -> None:
    """Merge the entities and claims of one note into `knowledge`, in place."""
    note = _with_namesakes(knowledge, owner, note)
    for entity in note.extraction.entities:
        value = _mention(knowledge, owner, entity.name, entity.type, note)
        for name, object_ in entity.attributes.items():
            put_attribute(value, name, object_, single=True)
        value["text"] = describe(value)
    facts = [stated for fact in note.extraction.facts for stated in with_implied(fact)]
    facts.sort(key=attrgetter("subject", "predicate"))
    for (subject, predicate), claims in groupby(facts, attrgetter("subject", "predicate")):
        type_ = "person" if subject == "user" else "unknown"
        entity_value = _mention(knowledge, owner, subject, type_, note)
        objects = _add_claims(knowledge, owner, entity_value, list(claims), note)
        fold_timeline(knowledge, owner, subject, predicate, objects)
        entity_value["text"] = describe(entity_value)
    for relation, name in _relations(note):
        if person := knowledge.get((entities_of(owner), entity_key(clean(name)))):
            person.setdefault("relation", relation)


def _with_namesakes(knowledge: Knowledge, owner: str, note: Note) -> Note:
    """Return the note with people of one name told apart: the boss Clara and the aunt Clara.

    The plain name is that of the first relation that was told.
    """
    renamed: dict[str, str] = {}
    for relation, name in _relations(note):
        entity = knowledge.get((entities_of(owner), entity_key(clean(name))))
        if entity and entity.get("relation", relation) != relation:
            renamed[name] = _namesake(name, relation)
    return _rename(note, renamed) if renamed else note


def _rename(note: Note, names: Mapping[str, str]) -> Note:
    extraction = note.extraction
    facts = [
        fact.model_copy(
            update={
                "subject": names.get(fact.subject, fact.subject),
                "object": names.get(fact.object, fact.object),
            }
        )
        for fact in extraction.facts
    ]
    entities = [
        entity.model_copy(update={"name": names.get(entity.name, entity.name)})
        for entity in extraction.entities
    ]
    changed = extraction.model_copy(update={"facts": facts, "entities": entities})
    return replace(note, extraction=changed)


def variants_of(notes: Iterable[Note]) -> list[Note]:
    """Return the notes, and what they may be where other people have the same names."""
    variants: list[Note] = []
    for note in notes:
        names = {name: _namesake(name, relation) for relation, name in _relations(note)}
        variants += [note, _rename(note, names)] if names else [note]
    return variants


def _relations(note: Note) -> list[tuple[str, str]]:
    """Return the relations of people to the user that a note states, with their names."""
    return [
        (fact.predicate, fact.object)
        for fact in note.extraction.facts
        if fact.subject == USER and fact.predicate in RELATIONS and not fact.negated
    ]


def _namesake(name: str, relation: str) -> str:
    return f"{name} ({relation})"


def keys_of_note(owner: str, note: Note) -> set[str]:
    """Return the keys of the entities and facts that a note alone makes."""
    knowledge: Knowledge = {}
    for variant in variants_of([note]):
        merge_note(knowledge, owner, variant)
    return {key for _, key in knowledge}


def fold_timeline(
    knowledge: Knowledge, owner: str, subject: str, predicate: str, objects: Iterable[str]
) -> None:
    """Fold the claims about a subject and a predicate into intervals, in place.

    `objects` are those whose claims changed; with one object at a time all of them are folded.
    """
    entity = knowledge[entities_of(owner), entity_key(clean(subject))]
    single = predicate_table().of(predicate).single
    names = entity.get("timelines", {}).get(predicate, []) if single else list(objects)
    places = [(facts_of(owner), fact_key(subject, predicate, name)) for name in names]
    records = [knowledge[place] for place in places if place in knowledge]
    claims = [claim for record in records for claim in claims_of(record)]
    intervals = fold(claims, single=single)
    for record in records:
        set_intervals(record, [i for i in intervals if i.object == record["object"]])
    moment = max((claim.stated_at for claim in claims), default="")
    current = {record["object"]: _is_true(record, moment) for record in records}
    set_attribute(entity, predicate, current)


def _is_true(record: dict[str, Any], moment: str) -> bool:
    negated = bool(record["intervals"]) and record["intervals"][-1].get("negated", False)
    return not negated and holds_at(record, moment)


def _add_claims(
    knowledge: Knowledge, owner: str, entity: dict[str, Any], facts: Sequence[Fact], note: Note
) -> list[str]:
    """Add claims about one subject and predicate to their records; return their objects."""
    objects: list[str] = []
    for fact in facts:
        single = predicate_table().of(fact.predicate).single
        for object_ in _objects_of(entity, fact, single=single):
            stated = fact.model_copy(update={"object": object_})
            record = knowledge.setdefault((facts_of(owner), key_of(stated)), new_fact(stated, note))
            add_claim(record, stated, note)
            objects.append(object_)
            if single:
                add_to_timeline(entity, fact.predicate, record["object"])
    return objects


def _objects_of(entity: dict[str, Any], fact: Fact, *, single: bool) -> list[str]:
    """Return the objects that a claim is about; the end of an unknown one ends all: "divorced"."""
    object_ = clean(fact.object)
    if not (single and fact.negated) or not (objects := entity_objects(entity, fact.predicate)):
        return [object_]
    return [name for name in objects if name.casefold() == object_.casefold()] or objects


def entity_objects(entity: dict[str, Any], predicate: str) -> list[str]:
    """Return all objects that an entity ever had for a predicate with one object at a time."""
    objects: list[str] = entity.get("timelines", {}).get(predicate) or []
    return objects or list(entity["attributes"].get(predicate, []))


def _mention(knowledge: Knowledge, owner: str, name: str, type_: str, note: Note) -> dict[str, Any]:
    name = clean(name)
    place = (entities_of(owner), entity_key(name))
    entity = knowledge.setdefault(place, new_entity(name, type_, note.time))
    add_mention(entity, name, type_, note)
    return entity


def _after_all(knowledge: Knowledge, note: Note) -> Note:
    """Return the note with an order behind all claims that are known of its timelines."""
    times = [
        claim.stated_at
        for (namespace, _), record in knowledge.items()
        if namespace[-1] == "facts"
        for claim in claims_of(record)
        if claim.message != note.message
    ]
    latest = max(times, default="")
    if latest < note.time:
        return note
    return replace(note, order_at=(parse_time(latest) + timedelta(microseconds=1)).isoformat())


def _stated_facts(notes: Iterable[Note]) -> list[Fact]:
    return [
        stated for note in notes for fact in note.extraction.facts for stated in with_implied(fact)
    ]


def _places(owner: str, notes: Sequence[Note]) -> set[Place]:
    """Return the places of the entities and facts that the notes name."""
    places: set[Place] = set()
    facts = _stated_facts(notes)
    names = [entity.name for note in notes for entity in note.extraction.entities]
    names += [fact.subject for fact in facts]
    names += [name for note in notes for _, name in _relations(note)]
    places |= {(entities_of(owner), entity_key(clean(name))) for name in names}
    return places | {(facts_of(owner), key_of(fact)) for fact in facts}


def _timeline_places(owner: str, notes: Iterable[Note], knowledge: Knowledge) -> set[Place]:
    """Return the places of the facts on the timelines that the notes change."""
    places: set[Place] = set()
    for fact in _stated_facts(notes):
        entity = knowledge.get((entities_of(owner), entity_key(clean(fact.subject))))
        for old in entity_objects(entity, fact.predicate) if entity else []:
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
