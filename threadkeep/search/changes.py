"""What was added and deleted among one user's searchable items since an index last read them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

AddedItem = tuple[int, str, dict[str, Any]]
"""The number of an item, its namespace joined by dots, and its value."""


@dataclass(frozen=True, kw_only=True)
class ReadPosition:
    """How far an index has read: numbers of the owner, the last item and the last deletion."""

    owner: int = 0
    item: int = 0
    deletion: int = 0


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Added and deleted items; `reset` says that the index must read all items again."""

    position: ReadPosition
    reset: bool = False
    added: list[AddedItem] = field(default_factory=list)
    """The oldest first."""
    deleted: list[int] = field(default_factory=list)


def read_changes(rows: Iterable[Any], since: ReadPosition) -> Changes:
    """Return the changes that a database lists, in rows of a kind and four values.

    Kind 0: the owner's number, the first and the last entry of the log of deletions.
    Kind 1: an entry of that log and the number of the deleted item.
    Kind 2: the number, the namespace and the value of an added item, and its text where that is
    not the "text" of the value.
    """
    owner, log_first, log_last = 0, 0, 0
    added: list[AddedItem] = []
    deleted: list[int] = []
    for kind, *values in rows:
        if kind == 0:
            owner, log_first, log_last = (int(value or 0) for value in values[:3])
        elif kind == 1:
            deleted.append(int(values[1]))
        else:
            number, prefix, content, text = values
            value = content if isinstance(content, dict) else orjson.loads(content)
            if text is not None:
                value = {**value, "text": text}
            added.append((int(number), str(prefix), value))
    added.sort(key=lambda row: row[0])
    # The log is pruned: deletions between the last one read and its first entry are unknown.
    reset = since.item > 0 and (owner != since.owner or since.deletion + 1 < log_first)
    position = ReadPosition(
        owner=owner,
        item=added[-1][0] if added else since.item,
        deletion=max(log_last, since.deletion),
    )
    return Changes(position=position, reset=reset, added=added, deleted=deleted)
