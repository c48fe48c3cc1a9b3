"""Which memory somebody means by an id, or by its beginning or end, among what is their own."""

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
"""The labels under which memories are."""
SHORT = 8
"""Characters of an id that lists show."""
OF_A_RUN = ("lc_run--", "run--")
"""How LangChain's ids of answers begin; only their ends tell them apart."""


@dataclass(frozen=True, kw_only=True)
class Meant:
    """The memory that is meant; a message of several branches is there once in each thread."""

    kind: Kind
    id: str
    items: list[Item]

    @property
    def text(self) -> str:
        """What it says now."""
        return str(self.items[0].value.get("text") or "")


async def find_memory(store: BaseStore, owner: str, given: str) -> Meant:
    """Return the memory whose id is `given`, or the only one whose id begins or ends so.

    Raises:
        BadInput: there is none, or more than one.
        AccessRefused: `owner` is not the user who asks, or nobody asks.
    """
    wanted = given.strip()
    places = [each for each in await _places(store, owner, [wanted], part=True) if wanted]
    exact = [place for place in places if place[1] == wanted]
    places = exact or places
    keys = sorted({key for _, key in places})
    if not keys:
        raise BadInput(
            f"You have no memory {given!r:.60}; "
            "the ids are in threadkeep memory list, memory search and memory why."
        )
    if len(keys) > 1:
        more = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
        raise BadInput(f"{given!r:.60} is part of {len(keys)} ids; write more of it: {more}.")
    found = await _items(store, [place for place in places if place[1] == keys[0]])
    if not found:
        raise BadInput(f"The memory {given!r:.60} is gone by now.")
    return Meant(kind=KINDS[found[0].namespace[1]], id=keys[0], items=found)


async def find_messages(store: BaseStore, owner: str, keys: Collection[str]) -> dict[str, Item]:
    """Return a user's messages of these ids, in whatever threads they are.

    Raises:
        AccessRefused: `owner` is not the user who asks, or nobody asks.
    """
    places = await _places(store, owner, list(keys), part=False) if keys else []
    found = await _items(store, [p for p in places if p[0][1] == "messages"])
    return {item.key: item for item in found}


def short_ids(keys: Iterable[str]) -> dict[str, str]:
    """Return a part of each id by which a person can name it, told apart among all of these."""
    left = every = list(dict.fromkeys(keys))
    shown: dict[str, str] = {}
    length = SHORT
    while left:
        seen = Counter(part for key in every for part in {key[:length], key[-length:]})
        parts = {key: _part(key, length) for key in left}
        shown |= {key: p for key, p in parts.items() if seen[p] == 1 or length >= len(key)}
        left, length = [key for key in left if key not in shown], length + 1
    return shown


def _part(key: str, length: int) -> str:
    return key[-length:] if key.startswith(OF_A_RUN) else key[:length]


async def _places(store: BaseStore, owner: str, wanted: list[str], *, part: bool) -> list[Place]:
    store = getattr(store, "unguarded", store)
    if await user_key(store, acting_user()) != owner:
        raise AccessRefused("These memories are another user's; ask for your own.")
    if isinstance(store, HybridStore):
        places = await store.items.places(owner, wanted, part=part)
    else:
        places = []
        for namespace in await list_namespaces(store, owner):
            items = await store.asearch(namespace, limit=ALL, refresh_ttl=False)
            places += [
                (item.namespace, item.key)
                for item in items
                if item.namespace == namespace and is_meant(item.key, wanted, part=part)
            ]
    return [place for place in places if len(place[0]) > 1 and place[0][1] in KINDS]


def is_meant(key: str, wanted: Iterable[str], *, part: bool) -> bool:
    """Tell whether an id is one of those wanted; with `part`, begins or ends with one."""
    if part:
        return any(key.startswith(each) or key.endswith(each) for each in wanted)
    return key in wanted


async def _items(store: BaseStore, places: Iterable[Place]) -> list[Item]:
    ops = [GetOp(namespace, key, refresh_ttl=False) for namespace, key in places]
    return [item for item in await store.abatch(ops) if isinstance(item, Item)]
