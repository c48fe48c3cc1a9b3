"""The user's pins: memories that every prompt shows, within a token budget."""

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
from threadkeep.stores.memory_ids import KINDS, MemoryMatch, matches_id
from threadkeep.stores.namespaces import PINS_KEY, pinned_of

MAX_SUPERSEDED = 20
"""Facts in a row that are followed to the one that holds now."""
MAX_PINS = 100


class Pin(TypedDict):
    """A pin, and its text as it is now."""

    id: str
    """Of the memory that was pinned."""
    kind: str
    at: str
    """When it was pinned, ISO 8601."""
    text: str
    """Its text now; empty if it is no longer there."""
    shown: bool
    """Whether it fits into the budget for pins."""


def pins_op(owner: str) -> GetOp:
    """Return the operation that reads a user's pins."""
    return GetOp(pinned_of(owner), PINS_KEY)


async def pins_within_budget(
    store: BaseStore, owner: str, result: Result, context: Context
) -> tuple[list[RecalledItem], list[list[str]]]:
    """Return the pinned items that fit into the prompt, and their places.

    `result` is that of `pins_op`.
    """
    if not (places := [pin["place"] for pin in _pins_in(result)]):
        return [], []
    records = {item.key: item for item in await _read_current(store, owner, places) if item}
    names = await thread_names(store, owner, records.values())
    items = [recalled_item(record, names, PINNED) for record in records.values()]
    fitting = fit_pins(items, pinned_budget(context))
    fitting_records = [records[item["id"]] for item in fitting]
    return fitting, [[*record.namespace[1:], record.key] for record in fitting_records]


async def list_pins(store: BaseStore, owner: str, context: Context) -> list[Pin]:
    """Return a user's pins, the earliest first."""
    result = await store.aget(pinned_of(owner), PINS_KEY)
    pins = _pins_in(result)
    records = await _read_current(store, owner, [pin["place"] for pin in pins])
    fitting, _ = await pins_within_budget(store, owner, result, context)
    fitting_ids = {item["id"] for item in fitting}
    return [
        {
            "id": str(pin["place"][-1]),
            "kind": KINDS[pin["place"][0]],
            "at": str(pin["at"]),
            "text": str(record.value.get("text") or "") if record else "",
            "shown": record is not None and record.key in fitting_ids,
        }
        for pin, record in zip(pins, records, strict=True)
    ]


async def add_pin(store: BaseStore, owner: str, target: MemoryMatch) -> bool:
    """Pin a memory; return False if it was pinned before.

    Raises:
        BadInput: there are too many pins.
    """
    pins = _pins_in(await store.aget(pinned_of(owner), PINS_KEY))
    if any(pin["place"][-1] == target.id for pin in pins):
        return False
    if len(pins) >= MAX_PINS:
        raise BadInput(
            f"You have {MAX_PINS} pins already; take one away with threadkeep memory unpin."
        )
    item = target.items[0]
    pins.append({"place": [*item.namespace[1:], item.key], "at": now().isoformat()})
    await _write(store, owner, pins)
    return True


async def remove_pin(store: BaseStore, owner: str, id_part: str) -> str:
    """Remove the only pin whose id is `id_part`, or begins or ends so; return its id.

    Raises:
        BadInput: there is none, or more than one.
    """
    pins = _pins_in(await store.aget(pinned_of(owner), PINS_KEY))
    part = id_part.strip()
    keys = [str(pin["place"][-1]) for pin in pins]
    matches = [key for key in keys if part and matches_id(key, [part], part=True)]
    matches = [key for key in matches if key == part] or matches
    if not matches:
        raise BadInput(
            f"No memory {id_part!r:.60} is pinned; the ids are in threadkeep memory pins."
        )
    if len(matches) > 1:
        raise BadInput(
            f"{id_part!r:.60} is part of {len(matches)} ids; write more of the one that is meant."
        )
    await _write(store, owner, [pin for pin in pins if pin["place"][-1] != matches[0]])
    return matches[0]


async def _read_current(
    store: BaseStore, owner: str, places: Sequence[Sequence[str]]
) -> list[Item | None]:
    """Return the record at each place; for a superseded fact, the fact that holds now.

    None for a record that was erased, or abandoned with its branch.
    """
    ops = [GetOp((owner, *place[:-1]), place[-1]) for place in places]
    records = [item if isinstance(item, Item) else None for item in await store.abatch(ops)]
    for _ in range(MAX_SUPERSEDED):
        successors = {
            index: GetOp(record.namespace, str(record.value["superseded_by"]))
            for index, record in enumerate(records)
            if record and record.value.get("superseded_by")
        }
        if not successors:
            break
        results = await store.abatch(successors.values())
        for index, item in zip(successors, results, strict=True):
            records[index] = item if isinstance(item, Item) else None
    return records


def _pins_in(result: Result) -> list[dict[str, Any]]:
    return list(result.value.get("pins") or ()) if isinstance(result, Item) else []


async def _write(store: BaseStore, owner: str, pins: Sequence[dict[str, Any]]) -> None:
    value = {"pins": list(pins)} if pins else None
    await store.abatch([PutOp(pinned_of(owner), PINS_KEY, value, index=False)])
