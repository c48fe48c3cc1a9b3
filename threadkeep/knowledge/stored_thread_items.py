"""Read a stored thread from the store, and write what changed in it."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.knowledge.stored_messages import index_of
from threadkeep.knowledge.stored_thread import StoredThread
from threadkeep.stores.namespaces import Namespace, abandoned_of, messages_of, notes_of
from threadkeep.stores.pages import ALL


async def read_stored_thread(store: BaseStore, owner: str, thread: str) -> StoredThread:
    """Return all stored messages of a thread, and their notes."""
    active = await items_in_namespace(store, messages_of(owner, thread))
    abandoned = await items_in_namespace(store, abandoned_of(owner, thread))
    notes = await items_in_namespace(store, notes_of(owner, thread))
    ordered = sorted(active, key=lambda item: int(item.value["position"]))
    return StoredThread(
        active=[(item.key, dict(item.value)) for item in ordered],
        abandoned={item.key: dict(item.value) for item in abandoned},
        notes={item.key: dict(item.value) for item in notes},
    )


def diff_ops(
    owner: str, thread: str, before: StoredThread, after: StoredThread, ttl: float | None
) -> list[PutOp]:
    """Return the operations that turn the stored thread `before` into `after`."""
    pairs: list[tuple[Namespace, Mapping[str, Any], Mapping[str, Any]]] = [
        (messages_of(owner, thread), dict(before.active), dict(after.active)),
        (abandoned_of(owner, thread), before.abandoned, after.abandoned),
        (notes_of(owner, thread), before.notes, after.notes),
    ]
    ops = []
    for namespace, old, new in pairs:
        changed = [(key, value) for key, value in new.items() if old.get(key) != value]
        ops += [
            PutOp(namespace, key, dict(value), index=index_of(value), ttl=ttl)
            for key, value in changed
        ]
        ops += [PutOp(namespace, key, None) for key in old.keys() - new.keys()]
    return ops


async def items_in_namespace(store: BaseStore, namespace: Namespace) -> list[Item]:
    """Return the items of just this namespace, none of the namespaces below it."""
    items = await store.asearch(namespace, limit=ALL, refresh_ttl=False)
    return [item for item in items if item.namespace == namespace]
