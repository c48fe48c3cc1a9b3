"""Delete or change the items that refer to something erased."""

from collections.abc import Sequence, Set
from typing import Any

from langgraph.store.base import BaseStore, PutOp

from threadkeep.erase.receipt import LABELS
from threadkeep.stores.namespaces import PINS_KEY, Namespace, pinned_of, threads_of, usage_of
from threadkeep.stores.pages import items_in, list_namespaces

HANDLED_LABELS = {*LABELS, "suppressed", "pinned", "aliases"}
"""Labels of items that other steps of an erasure handle."""
BATCH = 500


async def delete_items(store: BaseStore, namespace: Namespace, keys: Sequence[str]) -> None:
    """Delete items of one namespace, in batches."""
    for start in range(0, len(keys), BATCH):
        await store.abatch([PutOp(namespace, key, None) for key in keys[start : start + BATCH]])


async def delete_related_items(store: BaseStore, owner: str, erased: Set[str]) -> int:
    """Delete the items of other labels that contain an erased key; return their number."""
    number = 0
    for namespace in await list_namespaces(store, owner):
        if len(namespace) > 1 and namespace[1] not in HANDLED_LABELS:
            keys = [
                item.key
                async for item in items_in(store, namespace)
                if item.key in erased or not erased.isdisjoint(_strings([item.value, *namespace]))
            ]
            await delete_items(store, namespace, keys)
            number += len(keys)
    return number


async def delete_pins(store: BaseStore, owner: str, erased: Set[str]) -> None:
    """Delete the pins of erased items."""
    item = await store.aget(pinned_of(owner), PINS_KEY, refresh_ttl=False)
    pins = item.value["pins"] if item else []
    remaining = [pin for pin in pins if erased.isdisjoint(pin["place"])]
    if len(remaining) < len(pins):
        value = {"pins": remaining} if remaining else None
        await store.abatch([PutOp(pinned_of(owner), PINS_KEY, value, index=False)])


async def clear_fork_origins(store: BaseStore, owner: str, thread: str) -> None:
    """Remove an erased thread from the records of its forks."""
    puts = [
        PutOp(
            threads_of(owner),
            item.key,
            {key: value for key, value in item.value.items() if key != "forked_from"},
            index=False,
            ttl=item.value.get("ttl_minutes"),
        )
        async for item in items_in(store, threads_of(owner))
        if item.value.get("forked_from") == thread
    ]
    if puts:
        await store.abatch(puts)


async def clear_usage_references(store: BaseStore, owner: str, message_ids: Set[str]) -> None:
    """Remove the ids of erased messages from usage sums, which stay."""
    puts = [
        PutOp(usage_of(owner), item.key, {**item.value, "once": ""}, index=False)
        async for item in items_in(store, usage_of(owner))
        if item.value.get("once") in message_ids
    ]
    if puts:
        await store.abatch(puts)


def _strings(value: Any) -> set[str]:
    """Return all strings in a JSON value, including keys."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set().union(*map(_strings, (*value, *value.values())), set())
    if isinstance(value, list):
        return set().union(*map(_strings, value), set())
    return set()
