"""What earlier turns recalled: the state holds places and scores, the text is in the store.

The text is read again for each prompt, so that corrections and erasures take effect.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from langgraph.store.base import BaseStore, GetOp, Item, Result, SearchItem

from threadkeep.base.clock import now
from threadkeep.base.fact_time import is_outdated
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import count_text
from threadkeep.graph.state import RecalledTurn
from threadkeep.prompt.fact_text import fact_text
from threadkeep.search.passages import text_of_passages
from threadkeep.search.scored_item import ScoredItem
from threadkeep.stores.namespaces import threads_of

KINDS = {"entities": "entity", "facts": "fact"}
TOTAL = "total"
PAST = "past"
"""The part of a score of a fact that is over, and was asked for by its date."""
Scores = dict[str, int]
"""Hundredths by feature, as the state holds them."""


class RecalledPlace(NamedTuple):
    """Where an item of a recalled turn is in the store, and what of it is shown."""

    place: list[str]
    scores: Scores
    passages: list[int]


class RecalledRecord(NamedTuple):
    """A record of the store that an earlier turn recalled."""

    item: Item
    before: str
    """Id of the message that it is shown in front of."""
    scores: Scores
    passages: list[int]


async def read_recalled_items(
    store: BaseStore, owner: str, recalled: Sequence[RecalledTurn]
) -> list[RecalledItem]:
    """Return the recalled items that are still in the prompt, as the store has them now."""
    turns = turns_in_prompt(recalled)
    records = recalled_records(turns, await store.abatch(read_ops(owner, turns)))
    names = await thread_names(store, owner, [record.item for record in records])
    return [prompt_item(record, names) for record in records]


def turns_in_prompt(recalled: Sequence[RecalledTurn]) -> list[RecalledTurn]:
    """Return the recalled turns that no compaction has removed from the prompt."""
    return [turn for turn in recalled if not turn.get("over")]


def read_ops(owner: str, recalled: Sequence[RecalledTurn]) -> list[GetOp]:
    """Return the operations that read the recalled records."""
    return [GetOp((owner, *place[:-1]), place[-1]) for turn in recalled for place in turn["places"]]


def recalled_records(
    recalled: Sequence[RecalledTurn], results: Iterable[Result], *, outdated: bool = False
) -> list[RecalledRecord]:
    """Return the records that still exist; superseded facts only if `outdated`.

    `results` are those of `read_ops`.
    """
    expected = [(turn["before"], place) for turn in recalled for place in places_of(turn)]
    return [
        RecalledRecord(item, before, place.scores, place.passages)
        for item, (before, place) in zip(results, expected, strict=True)
        if isinstance(item, Item)
        and (outdated or not is_outdated(item.value) or _is_past(item.value, place.scores))
    ]


def _is_past(value: Mapping[str, Any], scores: Scores) -> bool:
    """Return whether a fact was recalled as one that is over; a corrected one never was."""
    return PAST in scores and bool(value.get("intervals"))


def places_of(turn: RecalledTurn) -> list[RecalledPlace]:
    """Return the places of a turn; without scores or passages where an older version kept none."""
    places = turn["places"]
    scores = [*(turn.get("scores") or []), *({} for _ in places)]
    passages = [*(turn.get("passages") or []), *([] for _ in places)]
    return list(map(RecalledPlace, places, scores, passages))


def with_places(turn: RecalledTurn, places: Sequence[RecalledPlace]) -> RecalledTurn:
    """Return a turn with other places; fields that it lacks and does not need stay absent."""
    changed: RecalledTurn = {**turn, "places": [place.place for place in places]}
    if "scores" in turn:
        changed["scores"] = [place.scores for place in places]
    changed.pop("passages", None)
    if any(place.passages for place in places):
        changed["passages"] = [place.passages for place in places]
    return changed


def without_ids(recalled: Iterable[RecalledTurn], ids: Set[str]) -> list[RecalledTurn]:
    """Return the recalled turns without the places and messages of these ids."""
    turns: list[RecalledTurn] = []
    for turn in recalled:
        places = [place for place in places_of(turn) if ids.isdisjoint(place.place)]
        if places and turn["before"] not in ids:
            turns.append(with_places(turn, places))
    return turns


def recalled_turn(
    before: str, recalled: Sequence[RecalledItem], records: Iterable[Item]
) -> RecalledTurn:
    """Return what the state holds of a turn's recalled items: places and scores, no text."""
    keys = {record.key: [*record.namespace[1:], record.key] for record in records}
    places = [
        RecalledPlace(keys[item["id"]], _hundredths(item), item.get("passages", []))
        for item in recalled
    ]
    return with_places({"before": before, "places": [], "scores": []}, places)


async def thread_names(store: BaseStore, owner: str, items: Iterable[Item]) -> dict[str, str]:
    """Return the names of the threads that the items come from, by id."""
    threads = sorted({str(item.value.get("thread") or "") for item in items} - {""})
    records = await store.abatch([GetOp(threads_of(owner), thread) for thread in threads])
    return {
        thread: str(record.value.get("name") or thread)
        for thread, record in zip(threads, records, strict=True)
        if isinstance(record, Item)
    }


def prompt_item(record: RecalledRecord, names: Mapping[str, str]) -> RecalledItem:
    """Return a recalled record as the prompt shows it: of a long message the recalled passages."""
    item = recalled_item(record.item, names, record.before, record.scores)
    return _with_passages(item, record.passages)


def search_result_item(item: SearchItem, names: Mapping[str, str], before: str) -> RecalledItem:
    """Return the result of a search as the prompt shows it: of a long message the best passages."""
    passages = list(item.passages) if isinstance(item, ScoredItem) else []
    return _with_passages(recalled_item(item, names, before), passages)


def _with_passages(item: RecalledItem, passages: list[int]) -> RecalledItem:
    if not passages:
        return item
    text = text_of_passages(item["text"], passages)
    return {**item, "text": text, "tokens": count_text(text), "passages": passages}


def recalled_item(
    item: Item, names: Mapping[str, str], before: str, scores: Mapping[str, int] | None = None
) -> RecalledItem:
    """Return a record of the store, whole, as an item in front of the message `before`.

    `names` are the names of threads by id.
    """
    value = item.value
    thread = str(value.get("thread") or "")
    recalled: RecalledItem = {
        "id": item.key,
        "kind": KINDS.get(item.namespace[1], "message"),  # type: ignore[typeddict-item]
        "text": _text_of(value),
        "speaker": str(value.get("name") or value.get("role") or ""),
        "time": str(value.get("time") or value.get("last_seen") or value.get("recorded_at") or ""),
        "thread": names.get(thread, thread),
        "before": before,
    }
    if recalled["kind"] != "message":
        recalled["speaker"] = ""
    if isinstance(offset := value.get("utc_offset"), int):
        recalled["utc_offset"] = offset
    tokens = value.get("tokens")
    if isinstance(tokens, int) and tokens > 0:
        recalled["tokens"] = tokens
    if isinstance(item, SearchItem) and item.score is not None:
        recalled["score"] = round(item.score, 4)
        if isinstance(item, ScoredItem):
            parts = item.parts.items()
            recalled["parts"] = {name: round(value, 2) for name, value in parts if value}
        if is_outdated(value):
            recalled["parts"] = {**recalled.get("parts", {}), PAST: 1.0}
    elif scores:
        recalled["score"] = scores.get(TOTAL, 0) / 100
        recalled["parts"] = {name: n / 100 for name, n in scores.items() if name != TOTAL}
    return recalled


def _text_of(value: Mapping[str, Any]) -> str:
    """Return the text of a record; of a fact with its times."""
    if "superseded_by" not in value:
        return str(value.get("text") or "")
    return fact_text(value, now().isoformat())


def _hundredths(item: RecalledItem) -> Scores:
    """Return an item's score and its parts in hundredths; parts of 0 are dropped."""
    scores = {TOTAL: item["score"], **item.get("parts", {})} if "score" in item else {}
    hundredths = {name: round(100 * score) for name, score in scores.items()}
    return {name: value for name, value in hundredths.items() if value or name == TOTAL}
