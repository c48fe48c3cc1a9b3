"""Search: candidates from the index in memory, or from words and vectors, scored and read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from langgraph.store.base import SearchItem, SearchOp

from threadkeep.search.evidence import Evidence
from threadkeep.search.filters import fits
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.memory_indexes import MemoryIndexes
from threadkeep.search.questions import take_apart
from threadkeep.search.ranking import CONTEXTUAL, STATIC, Score, rank, rank_hits
from threadkeep.search.scored_item import FoundItem
from threadkeep.search.text_matches import contained_hits, together
from threadkeep.search.words import pairs
from threadkeep.stores.items import Index, Items

T = TypeVar("T")
Nearest = Callable[[str, str, int], Awaitable[dict[int, float]]]
"""What gives the nearness of so many of an owner's items to a query, by item number."""
CANDIDATES = 100
NEAREST = 300
"""As many neighbours are asked for where their nearness itself tells: with contextual vectors."""
SPARE = 8
"""Items that may have expired since they were indexed."""
CANDIDATES_FILTERED = 100_000
PAGE = 32
QUICK = 20_000
"""So many rows are ranked in a few milliseconds; for more, ranking has a thread of its own."""


class Search:
    """The search of one store.

    With `static` vectors the index in memory weighs the meaning of every item by itself; those of
    a model are asked for what is near.
    """

    def __init__(
        self, items: Items, index: Index, indexes: MemoryIndexes, nearest: Nearest, *, static: bool
    ) -> None:
        self.weights = STATIC if static else CONTEXTUAL
        self.neighbours = CANDIDATES if static else NEAREST
        self._items = items
        self._index = index
        self._indexes = indexes
        self._nearest = nearest
        self._static = static

    async def find(self, ops: Sequence[SearchOp]) -> list[list[SearchItem]]:
        """Return what each finds; those with the same owner and query share what is worked out."""
        found: dict[int, list[SearchItem]] = {}
        for owner, query in dict.fromkeys(_asked(op) for op in ops):
            here = [place for place, op in enumerate(ops) if _asked(op) == (owner, query)]
            scores = await self._scores(owner, query, [ops[place] for place in here])
            for place, scored in zip(here, scores, strict=True):
                found[place] = await self._best(ops[place], scored)
        return [found[place] for place in range(len(ops))]

    async def _scores(
        self, owner: str, query: str, ops: Sequence[SearchOp]
    ) -> list[dict[int, Score]]:
        async with self._indexes.open_index(owner) as index:
            if index is None:
                vectors = await self._nearest(owner, query, self.neighbours)
                return [rank_hits(await self._hits(op), vectors) for op in ops]

            apart = _here if index.size <= QUICK else asyncio.to_thread
            if self._static:
                vectors, evidence = {}, await apart(_evidence, index, query)
            else:
                vectors, evidence = await asyncio.gather(
                    self._nearest(owner, query, self.neighbours), apart(_evidence, index, query)
                )
            weights = self.weights if vectors or self._static else STATIC

            def scores() -> list[dict[int, Score]]:
                return [
                    rank(evidence, index.below(_below(op)), vectors, _wanted(op), weights)
                    for op in ops
                ]

            return await apart(scores)

    async def _hits(self, op: SearchOp) -> dict[int, float]:
        below, query = op.namespace_prefix, op.query or ""
        limit = max(CANDIDATES, _wanted(op))
        found = await self._index.search(below, query, limit)
        if below and (wanted := pairs(query)):
            inside = contained_hits(await self._index.contained(below, wanted))
            found = together([found, inside], limit)
        return dict(found)

    async def _best(self, op: SearchOp, scores: Mapping[int, Score]) -> list[SearchItem]:
        """Return the wanted page of what lies below the namespace, best first."""
        found: list[SearchItem] = []
        ids, mortal = list(scores), set[int]()
        step = max(PAGE, _end(op))
        for start in range(0, len(ids), step):
            page = ids[start : start + step]
            items = await self._index.items(op.namespace_prefix, page, mortal)
            found += [
                FoundItem(items[each], scores[each].total, scores[each].parts)
                for each in page
                if each in items and fits(items[each].value, op.filter)
            ]
            if len(found) >= _end(op):
                break
        found = found[op.offset : _end(op)]
        if mortal and op.refresh_ttl:
            await self._items.extend([(item.namespace, item.key) for item in found])
        return found


async def _here(work: Callable[..., T], *args: Any) -> T:
    return work(*args)


def _evidence(index: MemoryIndex, query: str) -> Evidence:
    evidence = Evidence(index, take_apart(query, index.speakers))
    # The longest part of it, which is worked out only when it is asked for.
    _ = evidence.meaning
    return evidence


def _asked(op: SearchOp) -> tuple[str, str]:
    """Return whose memory is searched, and for what."""
    return ".".join(op.namespace_prefix[:1]), op.query or ""


def _below(op: SearchOp) -> str:
    return ".".join(op.namespace_prefix)


def _wanted(op: SearchOp) -> int:
    """Return how many scores to work out: with a filter any item may fall out."""
    return CANDIDATES_FILTERED if op.filter else _end(op) + SPARE


def _end(op: SearchOp) -> int:
    return op.offset + op.limit
