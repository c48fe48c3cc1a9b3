"""What has come and gone among one user's searchable items since somebody last looked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far somebody has read: the owner's number, the last item and the last one gone."""

    owner: int = 0
    item: int = 0
    gone: int = 0


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is new and what is gone; `afresh` says that everything must be read from the start."""

    mark: Mark
    afresh: bool = False
    new: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    """Number, namespace joined by dots, and value of each item, the oldest first."""
    gone: list[int] = field(default_factory=list)


def read_changes(rows: Iterable[Any], since: Mark) -> Changes:
    """Return what an index tells: one row of kind 0 for the owner, of 1 for what went, 2 new.

    Kind 0 gives the owner's number and the first and last entry of the log of what is gone.
    """
    owner, first, last = 0, 0, 0
    new: list[tuple[int, str, dict[str, Any]]] = []
    gone: list[int] = []
    for kind, one, two, three in rows:
        if kind == 0:
            owner, first, last = int(one or 0), int(two or 0), int(three or 0)
        elif kind == 1:
            gone.append(int(two))
        else:
            value = three if isinstance(three, dict) else orjson.loads(three)
            new.append((int(one), str(two), value))
    new.sort(key=lambda row: row[0])
    forgotten = since.item > 0 and (owner != since.owner or since.gone + 1 < first)
    item = new[-1][0] if new else since.item
    mark = Mark(owner=owner, item=item, gone=max(last, since.gone))
    return Changes(mark=mark, afresh=forgotten, new=new, gone=gone)
