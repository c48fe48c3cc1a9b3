"""A user's merges and splits of entities, as events that can be undone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from langgraph.store.base import BaseStore, Item, PutOp
from typing_extensions import TypedDict

from threadkeep.stores.namespaces import entity_key, fact_key, identities_of
from threadkeep.stores.pages import ALL

Kind = Literal["merge", "split", "undo"]
MAX_MESSAGES = 1_000
"""Of one split."""


class IdentityChange(TypedDict):
    """A change of who is who."""

    id: str
    kind: Kind
    at: str
    """When it was made, ISO 8601."""
    name: str
    """Of a merge the entity that keeps its name; of a split the name that is on its own again."""
    other: str
    """Of a merge the name that becomes another name; of a split the new name, where it has one."""
    messages: list[str]
    """Ids of the messages that a split is about; none is all."""
    undoes: str
    """Of an undo, the id of the change that it takes back."""
    undone: bool


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One event: append-only, never changed."""

    kind: Kind
    at: str
    name: str = ""
    other: str = ""
    messages: tuple[str, ...] = ()
    undoes: str = ""

    @property
    def id(self) -> str:
        """The key under which it is stored."""
        return fact_key(self.kind, "\0".join((self.name, self.other, self.undoes)), self.at)

    @property
    def keys(self) -> list[str]:
        """The keys of its names."""
        return [entity_key(name) for name in (self.name, self.other) if name]

    def put_op(self, owner: str) -> PutOp:
        """Return the operation that stores the event; it is never searched.

        The keys of its names are beside them, so that an erasure of what they name finds it.
        """
        value: dict[str, Any] = {"kind": self.kind, "at": self.at, "keys": self.keys}
        value |= {"name": self.name, "other": self.other, "undoes": self.undoes}
        return PutOp(
            identities_of(owner), self.id, value | {"messages": list(self.messages)}, index=False
        )

    @classmethod
    def of(cls, item: Item) -> "Identity":
        """Return a stored event.

        Raises:
            ValueError: it is of a kind that this version does not know.
        """
        value = item.value
        kind: Kind = value["kind"]
        if kind not in get_args(Kind):
            raise ValueError(f"There is no kind {kind!r:.40} of change.")
        return cls(
            kind=kind,
            at=str(value["at"]),
            name=str(value.get("name") or ""),
            other=str(value.get("other") or ""),
            messages=tuple(value.get("messages") or ()),
            undoes=str(value.get("undoes") or ""),
        )


async def read_identities(store: BaseStore, owner: str) -> list[Identity]:
    """Return all events, the oldest first."""
    items = await store.asearch(identities_of(owner), limit=ALL, refresh_ttl=False)
    return sorted((Identity.of(item) for item in items), key=lambda event: (event.at, event.id))


def in_effect(events: Iterable[Identity]) -> list[Identity]:
    """Return the merges and splits that nothing took back, the oldest first."""
    ordered = sorted(events, key=lambda event: (event.at, event.id))
    undone: set[str] = set()
    active: list[Identity] = []
    for event in reversed(ordered):
        if event.id in undone:
            continue
        if event.kind == "undo":
            undone.add(event.undoes)
        else:
            active.append(event)
    return active[::-1]


def change_rows(events: Iterable[Identity]) -> list[IdentityChange]:
    """Return the events as rows, the oldest first."""
    events = list(events)
    active = {event.id for event in in_effect(events)}
    return [
        {
            "id": event.id,
            "kind": event.kind,
            "at": event.at,
            "name": event.name,
            "other": event.other,
            "messages": list(event.messages),
            "undoes": event.undoes,
            "undone": event.kind != "undo" and event.id not in active,
        }
        for event in events
    ]
