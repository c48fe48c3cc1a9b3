"""Rebuild entities and facts from the notes of the messages on active branches."""

import asyncio
from collections.abc import Iterable, Sequence

from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.knowledge.fact_corrections import Correction, apply_correction
from threadkeep.knowledge.merge import Knowledge, merge_note
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.suppression import without_facts
from threadkeep.stores.namespaces import (
    Namespace,
    all_notes_of,
    corrections_of,
    entities_of,
    facts_of,
    suppressed_of,
)
from threadkeep.stores.pages import ALL

BATCH = 500


async def rebuild_knowledge(store: BaseStore, owner: str) -> int:
    """Rebuild a user's entities and facts from their notes; return how many changed.

    Entities and facts without a note are deleted. Idempotent.
    """
    notes = await read_notes(store, owner)
    corrections = [Correction.of(item) for item in await _all(store, corrections_of(owner))]
    new = await asyncio.to_thread(replay, owner, notes, corrections)
    old: Knowledge = {
        (item.namespace, item.key): item.value
        for namespace in (entities_of(owner), facts_of(owner))
        for item in await _all(store, namespace)
    }
    ops = [
        PutOp(namespace, key, value)
        for (namespace, key), value in new.items()
        if old.get((namespace, key)) != value
    ]
    ops += [PutOp(namespace, key, None) for namespace, key in old.keys() - new.keys()]
    for start in range(0, len(ops), BATCH):
        await store.abatch(ops[start : start + BATCH])
    return len(ops)


async def read_notes(store: BaseStore, owner: str) -> list[Note]:
    """Return the notes of a user, without the facts that were suppressed."""
    notes = [Note.of(item) for item in await _all(store, all_notes_of(owner))]
    if suppressed := {item.key for item in await _all(store, suppressed_of(owner))}:
        notes = [without_facts(owner, note, suppressed) for note in notes]
    return notes


def replay(owner: str, notes: Iterable[Note], corrections: Iterable[Correction] = ()) -> Knowledge:
    """Return the entities and facts that notes and corrections make, in order of time.

    A correction applies to what was said before it.
    """
    knowledge: Knowledge = {}
    pending = sorted(corrections, key=lambda correction: (correction.at, correction.fact))
    for note in sorted(notes, key=lambda note: (note.order, note.written_at, note.message)):
        while pending and pending[0].at < note.order:
            apply_correction(knowledge, owner, pending.pop(0))
        merge_note(knowledge, owner, note)
    for correction in pending:
        apply_correction(knowledge, owner, correction)
    return knowledge


async def _all(store: BaseStore, namespace: Namespace) -> Sequence[Item]:
    return await store.asearch(namespace, limit=ALL, refresh_ttl=False)
