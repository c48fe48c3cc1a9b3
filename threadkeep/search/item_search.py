"""Search one store: score candidates, then read the items of the requested page."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from langgraph.store.base import SearchItem, SearchOp

from threadkeep.search.evidence import Evidence
from threadkeep.search.filters import matches_filter
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.memory_indexes import MemoryIndexes
from threadkeep.search.questions import analyse
from threadkeep.search.ranking import Score, rank, rank_hits
from threadkeep.search.scored_item import ScoredItem
from threadkeep.search.text_index import TextIndex
from threadkeep.search.text_matches import bigram_hits, merge_hits
from threadkeep.search.weights import CONTEXTUAL, STATIC
from threadkeep.search.words import bigrams

T = TypeVar("T")
Nearest = Callable[[str, str, int], Awaitable[dict[int, float]]]
"""Takes owner, query and limit; returns the similarity of the nearest items by item number."""
RefreshTTL = Callable[[Sequence[tuple[tuple[str, ...], str]]], Awaitable[None]]
"""Takes namespaces and keys of items; lets each live for its whole TTL again from now on."""
CANDIDATES = 100
NEIGHBOURS = 300
"""Neighbours to request from contextual vectors, whose similarity is a feature of the ranking."""
EXPIRED_MARGIN = 8
"""Scores beyond the page: some items may have expired since they were indexed."""
CANDIDATES_FILTERED = 100_000
PAGE = 32
INLINE_ROWS = 20_000
"""Up to so many rows are ranked on the event loop, in a few milliseconds; more in a thread."""


class ItemSearch:
    """The search of one store.

    With `static` vectors, the memory index computes the similarity of every item itself; with
    contextual vectors, the vector index is asked for the nearest items. `any_word` tells in which
    namespaces one content word of the query is enough, however many items have it.
    """

    def __init__(
        self,
        text_index: TextIndex,
        indexes: MemoryIndexes,
        nearest: Nearest,
        refresh_ttl: RefreshTTL,
        *,
        static: bool,
        any_word: Callable[[tuple[str, ...]], bool] = lambda namespace: False,
    ) -> None:
        self.weights = STATIC if static else CONTEXTUAL
        self.neighbours = CANDIDATES if static else NEIGHBOURS
        self._text_index = text_index
        self._indexes = indexes
        self._nearest = nearest
        self._refresh_ttl = refresh_ttl
        self._static = static
        self._any_word = any_word

    async def search(self, ops: Sequence[SearchOp]) -> list[list[SearchItem]]:
        """Return one page per operation, in their order; equal queries share their evidence."""
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for position, op in enumerate(ops):
            groups[_owner(op), op.query or ""].append(position)
        pages: dict[int, list[SearchItem]] = {}
        for (owner, query), positions in groups.items():
            scores = await self._scores(owner, query, [ops[position] for position in positions])
            for position, op_scores in zip(positions, scores, strict=True):
                pages[position] = await self._page(ops[position], op_scores)
        return [pages[position] for position in range(len(ops))]

    async def _scores(
        self, owner: str, query: str, ops: Sequence[SearchOp]
    ) -> list[dict[int, Score]]:
        if not owner:
            # Below no owner the items of all are searched, through the full-text index.
            return [rank_hits(await self._hits(op), {}) for op in ops]
        async with self._indexes.open_index(owner) as index:
            if index is None:
                vector_scores = await self._nearest(owner, query, self.neighbours)
                return [rank_hits(await self._hits(op), vector_scores) for op in ops]

            run = _run_inline if index.size <= INLINE_ROWS else asyncio.to_thread
            if self._static:
                vector_scores, evidence = {}, await run(_evidence, index, query)
            else:
                vector_scores, evidence = await asyncio.gather(
                    self._nearest(owner, query, self.neighbours), run(_evidence, index, query)
                )
            weights = self.weights if vector_scores or self._static else STATIC

            def rank_op(op: SearchOp) -> dict[int, Score]:
                mask = index.in_namespace(_prefix(op))
                limit, any_word = _score_limit(op), self._any_word(op.namespace_prefix)
                return rank(evidence, mask, vector_scores, limit, weights, any_word=any_word)

            return await run(lambda: [rank_op(op) for op in ops])

    async def _hits(self, op: SearchOp) -> dict[int, float]:
        namespace, query = op.namespace_prefix, op.query or ""
        limit = max(CANDIDATES, _score_limit(op))
        hits = await self._text_index.search(namespace, query, limit)
        if namespace and (query_bigrams := bigrams(query)):
            matches = await self._text_index.bigram_matches(namespace, query_bigrams)
            hits = merge_hits([hits, bigram_hits(matches)], limit)
        return dict(hits)

    async def _page(self, op: SearchOp, scores: Mapping[int, Score]) -> list[SearchItem]:
        """Return the requested page of the items in the namespace, best first."""
        matches: list[SearchItem] = []
        ids, expiring = list(scores), set[int]()
        step = max(PAGE, _page_end(op))
        for start in range(0, len(ids), step):
            batch = ids[start : start + step]
            items = await self._text_index.items(op.namespace_prefix, batch, expiring)
            matches += [
                ScoredItem(items[number], score.total, score.parts, score.passages)
                for number, score in ((number, scores[number]) for number in batch)
                if number in items and matches_filter(items[number].value, op.filter)
            ]
            if len(matches) >= _page_end(op):
                break
        matches = matches[op.offset : _page_end(op)]
        if expiring and op.refresh_ttl:
            await self._refresh_ttl([(item.namespace, item.key) for item in matches])
        return matches


async def _run_inline(work: Callable[..., T], *args: Any) -> T:
    return work(*args)


def _evidence(index: MemoryIndex, query: str) -> Evidence:
    evidence = Evidence(index, analyse(query, index.speakers))
    # The slowest part is lazy: compute it in the thread that this function runs in.
    _ = evidence.similarity, evidence.best_passages
    return evidence


def _owner(op: SearchOp) -> str:
    return ".".join(op.namespace_prefix[:1])


def _prefix(op: SearchOp) -> str:
    return ".".join(op.namespace_prefix)


def _score_limit(op: SearchOp) -> int:
    """Return how many scores to compute; a filter may reject any item, so it needs many."""
    return CANDIDATES_FILTERED if op.filter else _page_end(op) + EXPIRED_MARGIN


def _page_end(op: SearchOp) -> int:
    return op.offset + op.limit
