"""Resolve a memory of a user by its id, or by the beginning or end of the id."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import acting_user
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.namespaces import user_key
from threadkeep.stores.pages import ALL, list_namespaces
from threadkeep.stores.sqlite_items import Place

Kind = Literal["message", "fact", "entity"]
KINDS: Mapping[str, Kind] = {"messages": "message", "facts": "fact", "entities": "entity"}
"""Kinds of memory by the label of their namespace."""
SHORT = 8
"""Characters of an id that lists show."""
OF_A_RUN = ("lc_run--", "run--")
"""LangChain's ids of answers begin so; only their ends differ."""


@dataclass(frozen=True, kw_only=True)
class MemoryMatch:
    """A memory; a message of several branches has one item in each thread."""

    kind: Kind
    id: str
    items: list[Item]

    @property
    def text(self) -> str:
        """What it says now."""
        return str(self.items[0].value.get("text") or "")


async def find_memory(store: BaseStore, owner: str, memory_id: str) -> MemoryMatch:
    """Return the memory with this id, or the only one whose id begins or ends so.

    Raises:
        BadInput: there is none, or more than one.
        AccessRefused: `owner` is not the acting user, or there is none.
    """
    prefix = memory_id.strip()
    places = [place for place in await _places(store, owner, [prefix], part=True) if prefix]
    exact = [place for place in places if place[1] == prefix]
    places = exact or places
    keys = sorted({key for _, key in places})
    if not keys:
        raise BadInput(
            f"You have no memory {memory_id!r:.60}; "
            "the ids are in threadkeep memory list, memory search and memory why."
        )
    if len(keys) > 1:
        more = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
        raise BadInput(f"{memory_id!r:.60} is part of {len(keys)} ids; write more of it: {more}.")
    items = await _items(store, [place for place in places if place[1] == keys[0]])
    if not items:
        raise BadInput(f"The memory {memory_id!r:.60} is gone by now.")
    return MemoryMatch(kind=KINDS[items[0].namespace[1]], id=keys[0], items=items)


async def find_messages(store: BaseStore, owner: str, keys: Collection[str]) -> dict[str, Item]:
    """Return a user's messages of these ids, in whatever threads they are.

    Raises:
        AccessRefused: `owner` is not the acting user, or there is none.
    """
    places = await _places(store, owner, list(keys), part=False) if keys else []
    items = await _items(store, [p for p in places if p[0][1] == "messages"])
    return {item.key: item for item in items}


def short_ids(keys: Iterable[str]) -> dict[str, str]:
    """Return for each id a short part that is unique among all of them."""
    remaining = keys_in_order = list(dict.fromkeys(keys))
    short: dict[str, str] = {}
    length = SHORT
    while remaining:
        counts = Counter(part for key in keys_in_order for part in {key[:length], key[-length:]})
        parts = {key: _part(key, length) for key in remaining}
        short |= {key: p for key, p in parts.items() if counts[p] == 1 or length >= len(key)}
        remaining, length = [key for key in remaining if key not in short], length + 1
    return short


def _part(key: str, length: int) -> str:
    return key[-length:] if key.startswith(OF_A_RUN) else key[:length]


async def _places(store: BaseStore, owner: str, ids: list[str], *, part: bool) -> list[Place]:
    store = getattr(store, "unguarded", store)
    if await user_key(store, acting_user()) != owner:
        raise AccessRefused("These memories are another user's.")
    if isinstance(store, HybridStore):
        places = await store.items.places(owner, ids, part=part)
    else:
        places = []
        for namespace in await list_namespaces(store, owner):
            items = await store.asearch(namespace, limit=ALL, refresh_ttl=False)
            places += [
                (item.namespace, item.key)
                for item in items
                if item.namespace == namespace and matches_id(item.key, ids, part=part)
            ]
    return [place for place in places if len(place[0]) > 1 and place[0][1] in KINDS]


def matches_id(key: str, ids: Iterable[str], *, part: bool) -> bool:
    """Return whether an id is one of these; with `part`, begins or ends with one."""
    if part:
        return any(key.startswith(text) or key.endswith(text) for text in ids)
    return key in ids


async def _items(store: BaseStore, places: Iterable[Place]) -> list[Item]:
    ops = [GetOp(namespace, key, refresh_ttl=False) for namespace, key in places]
    return [item for item in await store.abatch(ops) if isinstance(item, Item)]
