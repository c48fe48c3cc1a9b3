"""The wordings that a memory had, with the time until which each was used."""

from typing import Literal

from langgraph.store.base import BaseStore, Item
from typing_extensions import TypedDict

from threadkeep.stores.memory_ids import MemoryMatch
from threadkeep.stores.namespaces import facts_of
from threadkeep.stores.pages import ALL

Reason = Literal["now", "corrected", "outdated"]


class Wording(TypedDict):
    """The text of a memory during some time."""

    id: str
    text: str
    until: str
    """ISO 8601; empty for the current wording."""
    why: Reason


async def history_of(store: BaseStore, owner: str, target: MemoryMatch) -> list[Wording]:
    """Return the wordings of a memory, the oldest first; of a fact with those it superseded."""
    if target.kind != "fact":
        return _wordings(target.items[0], "now")
    items = await store.asearch(facts_of(owner), limit=ALL, refresh_ttl=False)
    facts: dict[str, Item] = {item.key: item for item in items}
    wordings: list[Wording] = []
    for item in _chain(facts, target.id):
        successor_key = item.value.get("superseded_by")
        successor = facts.get(str(successor_key)) if successor_key else None
        corrected = successor is not None and successor.value.get("corrects") == item.key
        reason: Reason = "now"
        if successor_key:
            reason = "corrected" if corrected else "outdated"
        wordings += _wordings(item, reason)
    return wordings


def _chain(facts: dict[str, Item], key: str) -> list[Item]:
    """Return the fact with all that it supersedes and that supersede it, in order of time."""
    chain: list[Item] = []
    keys = [key]
    while keys:
        item = facts.get(keys.pop(0))
        if item is not None and item not in chain:
            chain.append(item)
            keys += [k for k, fact in facts.items() if fact.value.get("superseded_by") == item.key]
            keys.append(str(item.value.get("superseded_by") or ""))
    return sorted(
        chain,
        key=lambda item: (str(item.value["recorded_at"]), not item.value.get("superseded_by")),
    )


def _wordings(item: Item, reason: Reason) -> list[Wording]:
    value = item.value
    until = value.get("valid_to") or value.get("corrected_at") or "" if reason != "now" else ""
    older: list[Wording] = [
        {"id": item.key, "text": entry["text"], "until": entry["until"], "why": "corrected"}
        for entry in value.get("history") or ()
    ]
    text = str(value.get("text") or "")
    return [*older, {"id": item.key, "text": text, "until": str(until), "why": reason}]
