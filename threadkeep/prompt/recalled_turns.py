"""What earlier turns recalled, read again from the store: its text is never kept in the state.

What was forgotten or corrected since is so in the next prompt too.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from langgraph.store.base import BaseStore, GetOp, Item, Result, SearchItem

from threadkeep.base.memory_block import RecalledItem
from threadkeep.graph.state import RecalledTurn
from threadkeep.search.scored_item import ScoredItem
from threadkeep.stores.namespaces import threads_of

KINDS = {"entities": "entity", "facts": "fact"}
TOTAL = "total"
Scores = dict[str, int]
"""Hundredths, as a state holds them."""


class Standing(NamedTuple):
    """A recalled item: the message in front of which it stands, and what spoke for it."""

    item: Item
    before: str
    scores: Scores


async def read_recalled_items(
    store: BaseStore, owner: str, recalled: Sequence[RecalledTurn]
) -> list[RecalledItem]:
    """Return the memories that still stand in the prompt, as the store has them now."""
    recalled = still_standing(recalled)
    found = standing(recalled, await store.abatch(reads(owner, recalled)))
    named = await thread_names(store, owner, [each.item for each in found])
    return [as_memory(each.item, named, each.before, each.scores) for each in found]


def still_standing(recalled: Sequence[RecalledTurn]) -> list[RecalledTurn]:
    """Return what was not let go by a compaction since."""
    return [turn for turn in recalled if not turn.get("over")]


def reads(owner: str, recalled: Sequence[RecalledTurn]) -> list[GetOp]:
    """Return the operations that read what was recalled."""
    return [GetOp((owner, *place[:-1]), place[-1]) for turn in recalled for place in turn["places"]]


def standing(
    recalled: Sequence[RecalledTurn], read: Iterable[Result], *, outdated: bool = False
) -> list[Standing]:
    """Return what is still there and, unless `outdated` is wanted too, still holds."""
    told = [(turn["before"], scores) for turn in recalled for scores in scores_of(turn)]
    return [
        Standing(item, before, scores)
        for item, (before, scores) in zip(read, told, strict=True)
        if isinstance(item, Item) and (outdated or not item.value.get("superseded_by"))
    ]


def scores_of(turn: RecalledTurn) -> list[Scores]:
    """Return what spoke for each place; nothing where an older version has not kept it."""
    scores = turn.get("scores") or []
    return [*scores, *({} for _ in turn["places"][len(scores) :])][: len(turn["places"])]


def placed(turn: RecalledTurn) -> list[tuple[list[str], Scores]]:
    """Return each place with what spoke for it."""
    return list(zip(turn["places"], scores_of(turn), strict=True))


def without_ids(recalled: Iterable[RecalledTurn], gone: Set[str]) -> list[RecalledTurn]:
    """Return what was recalled but for these ids, and what stood in front of one of them."""
    left: list[RecalledTurn] = []
    for turn in recalled:
        kept = [(place, scores) for place, scores in placed(turn) if gone.isdisjoint(place)]
        if kept and turn["before"] not in gone:
            changed: RecalledTurn = {**turn, "places": [place for place, _ in kept]}
            if "scores" in turn:
                changed["scores"] = [scores for _, scores in kept]
            left.append(changed)
    return left


def scored(memory: RecalledItem) -> Scores:
    """Return a memory's score by part, as a state holds it."""
    told = {TOTAL: memory["score"], **memory.get("parts", {})} if "score" in memory else {}
    hundredths = {part: round(100 * value) for part, value in told.items()}
    return {part: value for part, value in hundredths.items() if value or part == TOTAL}


async def thread_names(store: BaseStore, owner: str, items: Iterable[Item]) -> dict[str, str]:
    """Return the names of the threads from which the items come, by id."""
    threads = sorted({str(item.value.get("thread") or "") for item in items} - {""})
    records = await store.abatch([GetOp(threads_of(owner), thread) for thread in threads])
    return {
        thread: str(record.value.get("name") or thread)
        for thread, record in zip(threads, records, strict=True)
        if isinstance(record, Item)
    }


def as_memory(
    item: Item, named: Mapping[str, str], before: str, scores: Mapping[str, int] | None = None
) -> RecalledItem:
    """Return a stored item as a memory in front of the message `before`."""
    value = item.value
    thread = str(value.get("thread") or "")
    memory: RecalledItem = {
        "id": item.key,
        "kind": KINDS.get(item.namespace[1], "message"),  # type: ignore[typeddict-item]
        "text": str(value.get("text") or ""),
        "speaker": str(value.get("name") or value.get("role") or ""),
        "time": str(value.get("time") or value.get("last_seen") or value.get("recorded_at") or ""),
        "thread": named.get(thread, thread),
        "before": before,
    }
    if memory["kind"] != "message":
        memory["speaker"] = ""
    tokens = value.get("tokens")
    if isinstance(tokens, int) and tokens > 0:
        memory["tokens"] = tokens
    if isinstance(item, SearchItem) and item.score is not None:
        memory["score"] = round(item.score, 4)
        if isinstance(item, ScoredItem):
            memory["parts"] = {name: round(told, 2) for name, told in item.parts.items() if told}
    elif scores:
        memory["score"] = scores.get(TOTAL, 0) / 100
        memory["parts"] = {part: each / 100 for part, each in scores.items() if part != TOTAL}
    return memory
