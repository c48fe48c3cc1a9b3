"""What a person has pinned: shown in every prompt, within a budget, the earliest pins first."""

from collections.abc import Sequence
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, PutOp, Result
from typing_extensions import TypedDict

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.graph.context import Context
from threadkeep.prompt.pinned_block import fit_pins, pinned_budget
from threadkeep.prompt.recalled_turns import recalled_item, thread_names
from threadkeep.stores.memory_ids import KINDS, Meant, is_meant
from threadkeep.stores.namespaces import PINS_KEY, pinned_of

STEPS = 20
"""So many successors of a fact are followed to the one that holds now."""
MOST = 100


class Pin(TypedDict):
    """A pin, and what it shows."""

    id: str
    """Of the memory that was pinned."""
    kind: str
    at: str
    """When it was pinned, ISO 8601."""
    text: str
    """What it says now; empty where it is not there."""
    shown: bool
    """Whether it fits into the budget for pins."""


def pins_op(owner: str) -> GetOp:
    """Return the operation that reads a user's pins."""
    return GetOp(pinned_of(owner), PINS_KEY)


def places_in(read: Result) -> list[list[str]]:
    """Return the places of what is pinned, the earliest pin first."""
    pins: Sequence[Any] = read.value.get("pins") or () if isinstance(read, Item) else ()
    return [list(pin["place"]) for pin in pins]


async def pinned_items(
    store: BaseStore, owner: str, places: Sequence[Sequence[str]]
) -> list[Item | None]:
    """Return what is pinned as it is now: of a fact that was replaced, what took its place.

    None for what is not there: forgotten, or on a branch that was left.
    """
    ops = [GetOp((owner, *place[:-1]), place[-1]) for place in places]
    found = [item if isinstance(item, Item) else None for item in await store.abatch(ops)]
    for _ in range(STEPS):
        replaced = {
            at: GetOp(item.namespace, str(item.value["superseded_by"]))
            for at, item in enumerate(found)
            if item and item.value.get("superseded_by")
        }
        if not replaced:
            break
        read = await store.abatch(replaced.values())
        for at, item in zip(replaced, read, strict=True):
            found[at] = item if isinstance(item, Item) else None
    return found


async def pins_within_budget(
    store: BaseStore, owner: str, pins: Result, context: Context
) -> tuple[list[RecalledItem], list[list[str]]]:
    """Return what is pinned and fits, and its places."""
    if not (places := places_in(pins)):
        return [], []
    found = await pinned_items(store, owner, places)
    there = {item.key: item for item in found if item}
    named = await thread_names(store, owner, there.values())
    memories = [recalled_item(item, named, PINNED) for item in there.values()]
    fit = fit_pins(memories, pinned_budget(context))
    return fit, [[*(item := there[m["id"]]).namespace[1:], item.key] for m in fit]


async def list_pins(store: BaseStore, owner: str, context: Context) -> list[Pin]:
    """Return a user's pins, the earliest first."""
    read = await store.aget(*_place(owner))
    pins: list[dict[str, Any]] = list(read.value["pins"]) if read else []
    found = await pinned_items(store, owner, [pin["place"] for pin in pins])
    shown, _ = await pins_within_budget(store, owner, read, context)
    fit = {memory["id"] for memory in shown}
    return [
        {
            "id": str(pin["place"][-1]),
            "kind": KINDS[pin["place"][0]],
            "at": str(pin["at"]),
            "text": str(item.value.get("text") or "") if item else "",
            "shown": item is not None and item.key in fit,
        }
        for pin, item in zip(pins, found, strict=True)
    ]


async def add_pin(store: BaseStore, owner: str, meant: Meant) -> bool:
    """Pin a memory; tell whether it was not pinned before.

    Raises:
        BadInput: there are too many pins.
    """
    pins = await _pins(store, owner)
    if any(pin["place"][-1] == meant.id for pin in pins):
        return False
    if len(pins) >= MOST:
        raise BadInput(f"You have {MOST} pins already; take one away with threadkeep memory unpin.")
    item = meant.items[0]
    pins.append({"place": [*item.namespace[1:], item.key], "at": now().isoformat()})
    await _put(store, owner, pins)
    return True


async def remove_pin(store: BaseStore, owner: str, given: str) -> str:
    """Take the only pin away whose id is `given`, or begins or ends so; return its id.

    Raises:
        BadInput: there is none, or more than one.
    """
    pins, wanted = await _pins(store, owner), given.strip()
    keys = [str(pin["place"][-1]) for pin in pins]
    meant = [key for key in keys if wanted and is_meant(key, [wanted], part=True)]
    meant = [key for key in meant if key == wanted] or meant
    if len(meant) != 1:
        several = f"{given!r:.60} is part of {len(meant)} ids; write more of the one that is meant."
        none = f"No memory {given!r:.60} is pinned; the ids are in threadkeep memory pins."
        raise BadInput(several if meant else none)
    await _put(store, owner, [pin for pin in pins if pin["place"][-1] != meant[0]])
    return meant[0]


def _place(owner: str) -> tuple[tuple[str, ...], str]:
    return pinned_of(owner), PINS_KEY


async def _pins(store: BaseStore, owner: str) -> list[dict[str, Any]]:
    read = await store.aget(*_place(owner))
    return list(read.value["pins"]) if read else []


async def _put(store: BaseStore, owner: str, pins: Sequence[dict[str, Any]]) -> None:
    value = {"pins": list(pins)} if pins else None
    await store.abatch([PutOp(*_place(owner), value, index=False)])
