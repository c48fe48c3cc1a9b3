"""Facts that a user has forgotten for good: notes never state them again.

The store holds only keyed hashes of such facts, so that nobody can read which they are.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.facts import key_of, with_implied
from threadkeep.knowledge.names import Names
from threadkeep.knowledge.notes import Note
from threadkeep.stores.namespaces import fact_key, suppressed_of
from threadkeep.stores.tombstones import tombstone_of


def suppressed_key(owner: str, fact: str) -> str:
    """Return the keyed hash under which the fact of key `fact` is suppressed."""
    return tombstone_of(owner, "fact", fact)


async def unsuppressed(
    store: BaseStore, owner: str, notes: Sequence[Note], names: Names
) -> list[Note]:
    """Return the notes without the facts that the user has suppressed."""
    keys = {suppressed_key(owner, key) for note in notes for key in _fact_keys(note, names)}
    if not keys:
        return list(notes)
    results = await store.abatch([GetOp(suppressed_of(owner), key) for key in sorted(keys)])
    suppressed = {item.key for item in results if isinstance(item, Item)}
    if not suppressed:
        return list(notes)
    return [without_facts(owner, note, suppressed, names) for note in notes]


def without_facts(owner: str, note: Note, suppressed: Set[str], names: Names) -> Note:
    """Return the note without the facts and attributes of these suppressed keys."""
    facts = [
        fact
        for fact in note.extraction.facts
        if suppressed.isdisjoint(
            suppressed_key(owner, key) for key in _keys_of(fact, note.message, names)
        )
    ]
    entities = [
        entity.model_copy(
            update={
                "attributes": {
                    name: object_
                    for name, object_ in entity.attributes.items()
                    if suppressed_key(owner, fact_key(entity.name, name, object_)) not in suppressed
                }
            }
        )
        for entity in note.extraction.entities
    ]
    extraction = note.extraction.model_copy(update={"facts": facts, "entities": entities})
    return replace(note, extraction=extraction)


def _keys_of(fact: Fact, message: str, names: Names) -> Iterator[str]:
    """Yield the keys of a claim and of what it implies, as it was stated and by entities."""
    for stated in (fact, names.fact(fact, message)):
        yield from map(key_of, with_implied(stated))


def _fact_keys(note: Note, names: Names) -> Iterator[str]:
    """Yield the keys of all that a note states, as facts or as attributes."""
    for fact in note.extraction.facts:
        yield from _keys_of(fact, note.message, names)
    for entity in note.extraction.entities:
        for name, object_ in entity.attributes.items():
            yield fact_key(entity.name, name, object_)
