"""Pins of facts and entities whose ids changed with the names of entities."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, PutOp

from threadkeep.stores.namespaces import (
    PINS_KEY,
    Namespace,
    aliases_of,
    entities_of,
    entity_key,
    facts_of,
    pinned_of,
)

Records = Mapping[tuple[Namespace, str], Mapping[str, Any]]


async def move_pins(store: BaseStore, owner: str, old: Records, new: Records) -> None:
    """Let pins of records that no longer exist name those that hold the same under another name."""
    missing = {place[1] for place in old.keys() - new.keys()}
    item = await store.aget(pinned_of(owner), PINS_KEY, refresh_ttl=False) if missing else None
    pins = [dict(pin) for pin in item.value["pins"]] if item else []
    for pin in pins:
        label, key = str(pin["place"][0]), str(pin["place"][-1])
        place = ((owner, label), key)
        if key in missing and place in old and (moved := _moved(owner, place, old, new)):
            pin["place"] = [label, moved]
    if item and pins != item.value["pins"]:
        await store.abatch([PutOp(pinned_of(owner), PINS_KEY, {"pins": pins}, index=False)])


def _moved(owner: str, place: tuple[Namespace, str], old: Records, new: Records) -> str:
    """Return the key of the record that holds the same under another name; "" without one."""
    record, is_entity = old[place], place[0] == entities_of(owner)
    name = str(record["name"] if is_entity else record["subject"])
    names = _names_beside(owner, name, old) | _names_beside(owner, name, new)
    if is_entity:
        return next((k for space, k in new if space == place[0] and k in names), "")
    sources = set(record["sources"])
    for (space, key), other in new.items():
        is_same = (
            space == facts_of(owner)
            and other["predicate"] == record["predicate"]
            and entity_key(other["subject"]) in names
            and sources & set(other["sources"])
        )
        if is_same and _is_same_object(owner, record, other, old, new):
            return key
    return ""


def _is_same_object(
    owner: str, record: Mapping[str, Any], other: Mapping[str, Any], old: Records, new: Records
) -> bool:
    name = str(record["object"])
    names = _names_beside(owner, name, old) | _names_beside(owner, name, new)
    return entity_key(other["object"]) in names


def _names_beside(owner: str, name: str, records: Records) -> set[str]:
    """Return the keys of all names of the entity of that name."""
    key = entity_key(name)
    group = records.get((aliases_of(owner), key), {})
    return {key, *map(entity_key, (group.get("entity") or name, *group.get("aliases", ())))}
