"""The names as the store holds them: a record for each name of an entity that has several."""

from collections.abc import Iterable, Mapping
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.knowledge.identities import in_effect, read_identities
from threadkeep.knowledge.names import Group, Names, renamed_by
from threadkeep.knowledge.notes import Note
from threadkeep.stores.namespaces import Namespace, aliases_of, entity_key
from threadkeep.stores.pages import ALL

VERSION_KEY = "version"
VERSION = 1
"""Of how notes are made into entities and facts; those of another version are made anew."""


def version_record(owner: str) -> dict[tuple[Namespace, str], dict[str, Any]]:
    """Return the record that says how a user's entities and facts were made."""
    return {(aliases_of(owner), VERSION_KEY): {"entity": "", "version": VERSION}}


async def is_of_version(store: BaseStore, owner: str) -> bool:
    """Return whether a user's entities and facts were made as this version makes them."""
    item = await store.aget(aliases_of(owner), VERSION_KEY, refresh_ttl=False)
    return item is not None and item.value.get("version") == VERSION


def name_records(owner: str, names: Names) -> dict[tuple[Namespace, str], dict[str, Any]]:
    """Return the records of names, by which a turn finds what it needs of them."""
    return {
        (aliases_of(owner), key): {
            "entity": group.entity,
            "aliases": list(group.aliases),
            "roles": list(group.roles),
            "merged": group.merged,
        }
        for key, group in names.groups.items()
    }


async def read_names(store: BaseStore, owner: str, notes: Iterable[Note]) -> Names:
    """Return what is known of the names in some new notes."""
    keys = {entity_key(name) for note in notes for name in note.stated_names}
    return await names_by_keys(store, owner, keys)


async def names_by_keys(store: BaseStore, owner: str, keys: Iterable[str]) -> Names:
    """Return what is known of the names of these keys."""
    items = await store.abatch([GetOp(aliases_of(owner), key) for key in sorted(set(keys))])
    return Names(_groups(item for item in items if isinstance(item, Item)))


async def read_all_names(store: BaseStore, owner: str) -> Names:
    """Return all names, with those that splits give in single messages."""
    items = await store.asearch(aliases_of(owner), limit=ALL, refresh_ttl=False)
    events = in_effect(await read_identities(store, owner))
    return Names(_groups(items), renamed_by(events))


def _groups(items: Iterable[Item]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for item in items:
        if item.key == VERSION_KEY:
            continue
        group = _group(item.value)
        names = (group.entity, *group.aliases, *group.roles) if group.entity else ()
        groups |= dict.fromkeys([item.key, *map(entity_key, names)], group)
    return groups


def _group(value: Mapping[str, Any]) -> Group:
    return Group(
        entity=str(value.get("entity") or ""),
        aliases=tuple(value.get("aliases") or ()),
        roles=tuple(value.get("roles") or ()),
        merged=bool(value.get("merged")),
    )
