"""Make entities and facts again from what the messages that count have taught."""

import asyncio
from collections.abc import Iterable, Sequence

from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.knowledge.fact_corrections import Correction, correct_one
from threadkeep.knowledge.fold import Known, Noted, merge_one, without
from threadkeep.stores.namespaces import (
    all_notes_of,
    corrections_of,
    entities_of,
    facts_of,
    suppressed_of,
)

ALL = 1_000_000
BATCH = 500


async def refold(store: BaseStore, user: str) -> int:
    """Make a user's entities and facts from their notes alone; return how many changed.

    What no note supports any more is deleted. Twice is once.
    """
    noted = [Noted.of(item) for item in await _all(store, all_notes_of(user))]
    if suppressed := {item.key for item in await _all(store, suppressed_of(user))}:
        noted = [without(user, one, suppressed) for one in noted]
    corrected = [Correction.of(item) for item in await _all(store, corrections_of(user))]
    wanted = await asyncio.to_thread(fold, user, noted, corrected)
    kept: Known = {
        (item.namespace, item.key): item.value
        for namespace in (entities_of(user), facts_of(user))
        for item in await _all(store, namespace)
    }
    puts = [
        PutOp(namespace, key, value)
        for (namespace, key), value in wanted.items()
        if kept.get((namespace, key)) != value
    ]
    gone = [PutOp(namespace, key, None) for namespace, key in kept.keys() - wanted.keys()]
    changed = [*puts, *gone]
    for start in range(0, len(changed), BATCH):
        await store.abatch(changed[start : start + BATCH])
    return len(changed)


def fold(user: str, noted: Iterable[Noted], corrected: Iterable[Correction] = ()) -> Known:
    """Return the entities and facts that notes make, the oldest first, by their places.

    A correction comes after what was said until then.
    """
    known: Known = {}
    said = sorted(noted, key=lambda one: (one.said_at, one.written_at, one.message))
    later = sorted(corrected, key=lambda one: (one.at, one.fact))
    for one in said:
        while later and later[0].at < one.said_at:
            correct_one(known, user, later.pop(0))
        merge_one(known, user, one)
    for each in later:
        correct_one(known, user, each)
    return known


async def _all(store: BaseStore, namespace: tuple[str, ...]) -> Sequence[Item]:
    return await store.asearch(namespace, limit=ALL, refresh_ttl=False)
