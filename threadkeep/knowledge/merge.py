"""Store new notes, and merge them into the entities and facts that they touch."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.ages import AGE, BIRTHDAY
from threadkeep.base.clock import parse_time
from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.facts import canonical_fact, claims_of, clean, key_of, with_implied
from threadkeep.knowledge.merge_note import (
    Knowledge,
    Place,
    entity_objects,
    merge_note,
    variants_of,
)
from threadkeep.knowledge.names import Names, links_in, namesake, relations_in
from threadkeep.knowledge.notes import USER, Note, non_empty, put_ops
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.knowledge.stored_names import is_of_version, read_names
from threadkeep.knowledge.suppression import unsuppressed
from threadkeep.stores.namespaces import entities_of, entity_key, fact_key, facts_of


async def merge_notes(
    store: BaseStore, owner: str, notes: Sequence[Note], *, live: bool = False
) -> None:
    """Store notes, the oldest first, and merge them into entities and facts. Idempotent.

    `live` notes are of a turn: they count as told after all that was told before, also where the
    clock was set back. Notes that tell who is who change what earlier ones mean: then all are
    merged anew, as are those of an earlier version.
    """
    names = await read_names(store, owner, notes)
    notes = non_empty(await unsuppressed(store, owner, notes, names))
    if not notes:
        return
    variants = variants_of(notes, names)
    knowledge = await _read(store, _places(owner, variants))
    knowledge |= await _read(store, _timeline_places(owner, variants, knowledge))
    if live:
        notes = [_after_all(knowledge, note) for note in notes]
    is_current = await is_of_version(store, owner)
    if not is_current or any(_tells_names(knowledge, owner, note, names) for note in notes):
        await store.abatch(put_ops(owner, notes))
        await rebuild_knowledge(store, owner)
        return
    before = {place: dict(value) for place, value in knowledge.items()}
    for note in notes:
        merge_note(knowledge, owner, note, names)
    changed = [place for place, value in knowledge.items() if before.get(place) != value]
    puts = [PutOp(namespace, key, knowledge[namespace, key]) for namespace, key in changed]
    await store.abatch([*puts, *put_ops(owner, notes)])


def _tells_names(knowledge: Knowledge, owner: str, note: Note, names: Names) -> bool:
    """Return whether a note tells a name or a relation that was not known."""
    for fact in map(canonical_fact, note.extraction.facts):
        is_plain = fact.status == "asserted" and not fact.negated and not fact.valid_to
        if predicate_table().of(fact.predicate).alias and not is_plain:
            return True
    if any(names.of(name) != names.of(other) for _, name, other in links_in([note])):
        return True
    for relation, stated_name in relations_in(note, names):
        name = names.of(stated_name, note.message)
        people = (name, *(namesake(one, relation) for one in (name, stated_name)))
        places = [(facts_of(owner), fact_key(USER, relation, person)) for person in people]
        if not any(place in knowledge for place in places):
            return True
    return False


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
    facts = _stated_facts(notes)
    people = [entity.name for note in notes for entity in note.extraction.entities]
    people += [fact.subject for fact in facts]
    people += [name for note in notes for _, name in relations_in(note)]
    places = {(entities_of(owner), entity_key(clean(name))) for name in people}
    return places | {(facts_of(owner), key_of(fact)) for fact in facts}


def _timeline_places(owner: str, notes: Iterable[Note], knowledge: Knowledge) -> set[Place]:
    """Return the places of the facts on the timelines that the notes change."""
    places: set[Place] = set()
    for fact in _stated_facts(notes):
        entity = knowledge.get((entities_of(owner), entity_key(clean(fact.subject))))
        has_age = fact.predicate in (AGE, BIRTHDAY)
        for predicate in (AGE, BIRTHDAY) if has_age else (fact.predicate,):
            for old in entity_objects(entity, predicate) if entity else []:
                places.add((facts_of(owner), fact_key(fact.subject, predicate, old)))
    return places - knowledge.keys()


async def _read(store: BaseStore, places: set[Place]) -> Knowledge:
    ordered = sorted(places)
    results = await store.abatch([GetOp(namespace, key) for namespace, key in ordered])
    return {
        place: dict(item.value)
        for place, item in zip(ordered, results, strict=True)
        if isinstance(item, Item)
    }
