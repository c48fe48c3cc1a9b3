"""Rebuild entities and facts from the notes of the messages on active branches."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.extract.extraction import Fact
from threadkeep.knowledge.fact_corrections import Correction, apply_correction
from threadkeep.knowledge.facts import key_of, with_implied
from threadkeep.knowledge.identities import Identity, read_identities
from threadkeep.knowledge.merge_note import Knowledge, merge_note
from threadkeep.knowledge.moved_pins import move_pins
from threadkeep.knowledge.names import Names, names_of, places_in
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.stored_names import name_records, read_all_names, version_record
from threadkeep.knowledge.suppression import without_facts
from threadkeep.stores.namespaces import (
    Namespace,
    aliases_of,
    all_notes_of,
    corrections_of,
    entities_of,
    entity_key,
    facts_of,
    suppressed_of,
)
from threadkeep.stores.pages import ALL

BATCH = 500


async def rebuild_knowledge(store: BaseStore, owner: str) -> int:
    """Rebuild a user's entities and facts from their notes; return how many changed.

    Entities and facts without a note are deleted. Idempotent.
    """
    evidence = await read_evidence(store, owner)
    new = await asyncio.to_thread(replay, owner, evidence)
    old: Knowledge = {
        (item.namespace, item.key): item.value
        for namespace in (entities_of(owner), facts_of(owner), aliases_of(owner))
        for item in await _all(store, namespace)
    }
    ops = [
        PutOp(namespace, key, value, index=False if namespace == aliases_of(owner) else None)
        for (namespace, key), value in new.items()
        if old.get((namespace, key)) != value
    ]
    ops += [PutOp(namespace, key, None) for namespace, key in old.keys() - new.keys()]
    for start in range(0, len(ops), BATCH):
        await store.abatch(ops[start : start + BATCH])
    await move_pins(store, owner, old, new)
    return len(ops)


@dataclass(frozen=True)
class Evidence:
    """All that entities and facts are made of."""

    notes: Sequence[Note]
    corrections: Sequence[Correction] = ()
    events: Sequence[Identity] = ()

    @cached_property
    def names(self) -> Names:
        """Who is who."""
        return names_of(self.notes, self.events)

    @cached_property
    def moved_keys(self) -> dict[str, str]:
        """The keys of facts under the names of their entities, by those under other names."""
        moved: dict[str, str] = {}
        for note in self.notes:
            places = places_in(note)
            for fact in note.extraction.facts:
                moved |= self._moved(fact, note.message, places)
        for correction in self.corrections:
            moved |= self._moved(correction.stated)
        return moved

    def _moved(self, stated: Fact, message: str = "", places: Iterable[str] = ()) -> dict[str, str]:
        facts = with_implied(stated)
        keys = [(key_of(fact), key_of(self.names.fact(fact, message, places))) for fact in facts]
        return {own: key for own, key in keys if own != key}

    @property
    def name_keys(self) -> set[str]:
        """The keys of all names that notes state."""
        return {entity_key(name) for note in self.notes for name in note.stated_names}

    def until(self, moment: str) -> "Evidence":
        """Return what was said and decided up to `moment`, ISO 8601."""
        return Evidence(
            [note for note in self.notes if note.order <= moment],
            [correction for correction in self.corrections if correction.at <= moment],
            [event for event in self.events if event.at <= moment],
        )


async def read_evidence(store: BaseStore, owner: str) -> Evidence:
    """Return a user's notes, without the facts that were suppressed, corrections and merges."""
    notes = [Note.of(item) for item in await _all(store, all_notes_of(owner))]
    if suppressed := {item.key for item in await _all(store, suppressed_of(owner))}:
        names = await read_all_names(store, owner)
        notes = [without_facts(owner, note, suppressed, names) for note in notes]
    corrections = [Correction.of(item) for item in await _all(store, corrections_of(owner))]
    return Evidence(notes, corrections, await read_identities(store, owner))


def replay(owner: str, evidence: Evidence) -> Knowledge:
    """Return the entities, facts and names that evidence makes, in order of time.

    A correction applies to what was said before it.
    """
    knowledge: Knowledge = {}
    names = evidence.names
    pending = [one for correction in evidence.corrections for one in _moved(correction, evidence)]
    pending.sort(key=lambda correction: (correction.at, correction.fact))
    ordered = sorted(evidence.notes, key=lambda note: (note.order, note.written_at, note.message))
    for note in ordered:
        while pending and pending[0].at < note.order:
            apply_correction(knowledge, owner, pending.pop(0))
        merge_note(knowledge, owner, note, names)
    for correction in pending:
        apply_correction(knowledge, owner, correction)
    knowledge |= name_records(owner, names)
    return knowledge | version_record(owner) if knowledge else knowledge


def _moved(correction: Correction, evidence: Evidence) -> Iterator[Correction]:
    """Yield a correction for each fact that the corrected one is under the names of today."""
    moved = evidence.moved_keys
    stated = evidence.names.fact(correction.stated) if moved else correction.stated
    for key in dict.fromkeys(moved.get(key, key) for key in correction.keys):
        yield replace(correction, fact=key, stated=stated)


async def _all(store: BaseStore, namespace: Namespace) -> Sequence[Item]:
    return await store.asearch(namespace, limit=ALL, refresh_ttl=False)
