"""Merge a note into entities and facts: claims are added, and their timelines folded anew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from threadkeep.base.ages import AGE, BIRTHDAY
from threadkeep.base.fact_time import holds_at
from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.entities import (
    MAX_OBJECTS,
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
from threadkeep.knowledge.names import ANIMAL, Names, family_of, namesake, relations_in
from threadkeep.knowledge.notes import USER, Note
from threadkeep.knowledge.timeline import fold
from threadkeep.stores.namespaces import Namespace, entities_of, entity_key, fact_key, facts_of

Place = tuple[Namespace, str]
Knowledge = dict[Place, dict[str, Any]]
"""Entities and facts by namespace and key."""


def merge_note(knowledge: Knowledge, owner: str, note: Note, names: Names) -> None:
    """Merge the entities and claims of one note into `knowledge`, in place."""
    note = names.note(_distinct_from_user(note, names))
    note = _with_namesakes(knowledge, owner, note, names)
    for entity in note.extraction.entities:
        value = _mention(knowledge, owner, entity.name, entity.type, note, names)
        for name, object_ in entity.attributes.items():
            put_attribute(value, name, object_, single=True)
        value["text"] = describe(value)
    for relation, name in relations_in(note):
        type_ = "animal" if family_of(relation) == ANIMAL else "person"
        value = _mention(knowledge, owner, name, type_, note, names)
        value |= {"relation": relation, "text": describe(value)}
    facts = [stated for fact in note.extraction.facts for stated in with_implied(fact)]
    facts.sort(key=attrgetter("subject", "predicate"))
    for (subject, predicate), claims in groupby(facts, attrgetter("subject", "predicate")):
        type_ = "person" if subject == USER else "unknown"
        entity_value = _mention(knowledge, owner, subject, type_, note, names)
        objects = _add_claims(knowledge, owner, entity_value, list(claims), note)
        fold_timeline(knowledge, owner, subject, predicate, objects)
        entity_value["text"] = describe(entity_value)


def _distinct_from_user(note: Note, names: Names) -> Note:
    """Return the note with people told apart from the user, whose name they have."""
    renamed = {
        name: namesake(name, relation)
        for relation, name in relations_in(note, names)
        if names.of(name, note.message) == USER
    }
    return _rename(note, renamed) if renamed else note


def _with_namesakes(knowledge: Knowledge, owner: str, note: Note, names: Names) -> Note:
    """Return the note with people of one name told apart: the boss Clara and the aunt Clara.

    The plain name is that of the first relation that was told. Whom the user merged is one.
    """
    renamed: dict[str, str] = {}
    for relation, name in relations_in(note):
        entity = knowledge.get((entities_of(owner), entity_key(name)))
        other = str(entity.get("relation") or relation) if entity else relation
        if family_of(other) != family_of(relation) and not names.is_merged(name):
            renamed[name] = namesake(name, relation)
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


def variants_of(notes: Iterable[Note], names: Names) -> list[Note]:
    """Return the notes about entities, and what they may be where others have the same names."""
    variants: list[Note] = []
    for raw in notes:
        note = names.note(_distinct_from_user(raw, names))
        renamed = {name: namesake(name, relation) for relation, name in relations_in(note)}
        variants += [note, _rename(note, renamed)] if renamed else [note]
    return variants


def keys_of_note(owner: str, note: Note, names: Names) -> set[str]:
    """Return the keys of the entities and facts that a note alone makes."""
    knowledge: Knowledge = {}
    for variant in variants_of([note], names):
        merge_note(knowledge, owner, variant, Names())
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
    if predicate in (AGE, BIRTHDAY):
        _add_birthday(knowledge, owner, subject, entity)
    moment = max((claim.stated_at for claim in claims), default="")
    current = {record["object"]: _is_true(record, moment) for record in records}
    set_attribute(entity, predicate, current)


def _add_birthday(
    knowledge: Knowledge, owner: str, subject: str, entity: Mapping[str, Any]
) -> None:
    """Put the birthday that is known beside the ages of a subject, in place."""
    days = [
        record
        for name in entity_objects(entity, BIRTHDAY)
        if (record := knowledge.get((facts_of(owner), fact_key(subject, BIRTHDAY, name))))
    ]
    valid = [day["object"] for day in days if day["intervals"] and not day["superseded_by"]]
    for name in entity_objects(entity, AGE):
        if record := knowledge.get((facts_of(owner), fact_key(subject, AGE, name))):
            record[BIRTHDAY] = valid[-1] if valid else None


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


def entity_objects(entity: Mapping[str, Any], predicate: str) -> list[str]:
    """Return all objects that an entity ever had for a predicate with one object at a time."""
    objects: list[str] = entity.get("timelines", {}).get(predicate) or []
    return objects or list(entity["attributes"].get(predicate, []))


def _mention(
    knowledge: Knowledge, owner: str, name: str, type_: str, note: Note, names: Names
) -> dict[str, Any]:
    name = clean(name)
    place = (entities_of(owner), entity_key(name))
    entity = knowledge.setdefault(place, new_entity(name, type_, note.time))
    add_mention(entity, name, type_, note)
    aliases = dict.fromkeys((*names.aliases(name), *entity["aliases"]))
    entity["aliases"] = list(aliases)[:MAX_OBJECTS]
    return entity
