"""Fill `memories` with what this user's past says about the newest message."""

from collections.abc import Iterable, Sequence

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, GetOp, Item, Op, SearchItem, SearchOp

from chat_models.tokens import count_text
from graph.clock import now
from graph.context import Context
from graph.memories import Memory
from graph.state import Recalled, State, Update
from nodes.legal import newest_user_message, text_of
from nodes.owner import context_of, owner_of, store_of
from stores.namespaces import all_messages_of, entities_of, facts_of, threads_of

QUERY_CHARACTERS = 2_000
CANDIDATES = 24
KNOWN = 6
FRESH_PART = 8
"""At least this part of the recall budget is for the newest message, whatever stands already."""
TOKENS_PER_LINE = 8
"""What a line of the memory block holds beside its words: dash, speaker, thread."""


async def retrieve_memories(state: State, runtime: Runtime[Context]) -> Update:
    """Fill `memories` with what this user's past says about the newest message."""
    context, store = context_of(runtime), store_of(runtime)
    owner = await owner_of(runtime)
    begun: Update = {"turn_at": now().isoformat()}
    newest = newest_user_message(state.messages)
    if newest is None or not (context.recalls_messages or context.recalls_entities):
        return begun
    query = text_of(newest)[:QUERY_CHARACTERS]
    found = await search(store, owner, query, context) if query.strip() else []
    fresh = unseen(found, state.recalled, state.messages)
    standing, named = await read(store, owner, state.recalled, fresh)
    chosen = within(
        [as_memory(item, named, newest.id or "") for item in fresh],
        fresh_budget(standing, context.recall_tokens),
    )
    kept = {memory["id"] for memory in chosen}
    places = [[*item.namespace[1:], item.key] for item in fresh if item.key in kept]
    recalled: list[Recalled] = [{"before": newest.id or "", "places": places}] if places else []
    return begun | {"memories": standing + chosen, "recalled": [*state.recalled, *recalled]}


async def search(store: BaseStore, owner: str, query: str, context: Context) -> list[SearchItem]:
    """Return what the store finds for `query`: what is known, then what was said, best first."""
    ops: list[Op] = []
    if context.recalls_entities:
        ops += [
            SearchOp(namespace, query=query, limit=KNOWN)
            for namespace in (entities_of(owner), facts_of(owner))
        ]
    if context.recalls_messages:
        ops.append(SearchOp(all_messages_of(owner), query=query, limit=CANDIDATES))
    results = await store.abatch(ops)
    return [
        item
        for found in results
        if isinstance(found, list)
        for item in found
        if isinstance(item, SearchItem)
    ]


def unseen(
    found: Iterable[SearchItem], recalled: Sequence[Recalled], shown: Sequence[AnyMessage]
) -> list[SearchItem]:
    """Return what neither the window nor an earlier memory block shows, and no outdated fact."""
    seen = {place[-1] for turn in recalled for place in turn["places"]}
    seen |= {message.id or "" for message in shown}
    return [item for item in found if item.key not in seen and not item.value.get("superseded_by")]


def fresh_budget(standing: Iterable[Memory], budget: int) -> int:
    """Return how many tokens may be recalled beside what still stands in the prompt.

    What was recalled stays until the next compaction, so a full budget every turn would bring
    compaction every other turn, and no provider's cache would ever hold the prompt.
    """
    stands = sum(count_text(memory["text"]) + TOKENS_PER_LINE for memory in standing)
    return max(budget - stands, budget // FRESH_PART)


def within(memories: Sequence[Memory], budget: int) -> list[Memory]:
    """Return the best memories that together take at most `budget` tokens."""
    kept: list[Memory] = []
    for memory in memories:
        cost = count_text(memory["text"]) + TOKENS_PER_LINE
        if cost <= budget:
            kept.append(memory)
            budget -= cost
    return kept


async def recalled_memories(
    store: BaseStore, owner: str, recalled: Sequence[Recalled]
) -> list[Memory]:
    """Return the memories that earlier turns recalled, as the store has them now."""
    standing, _ = await read(store, owner, recalled, ())
    return standing


async def read(
    store: BaseStore, owner: str, recalled: Sequence[Recalled], fresh: Sequence[SearchItem]
) -> tuple[list[Memory], dict[str, str]]:
    """Return the standing memories and the names of all threads involved, in two reads.

    The text of a recalled memory is never kept in the state: what was forgotten or corrected
    since is so in this prompt too.
    """
    places = [
        ((owner, *place[:-1]), place[-1], turn["before"])
        for turn in recalled
        for place in turn["places"]
    ]
    items = await _get(store, [(namespace, key) for namespace, key, _ in places])
    threads = {str(i.value.get("thread") or "") for i in (*items.values(), *fresh)} - {""}
    records = await _get(store, [(threads_of(owner), thread) for thread in sorted(threads)])
    named = {key: str(record.value.get("name") or key) for (_, key), record in records.items()}
    standing = [
        as_memory(item, named, before)
        for namespace, key, before in places
        if (item := items.get((namespace, key))) and not item.value.get("superseded_by")
    ]
    return standing, named


async def _get(
    store: BaseStore, places: Sequence[tuple[tuple[str, ...], str]]
) -> dict[tuple[tuple[str, ...], str], Item]:
    if not places:
        return {}
    got = await store.abatch([GetOp(namespace, key) for namespace, key in places])
    return {place: item for place, item in zip(places, got, strict=True) if isinstance(item, Item)}


def as_memory(item: Item, named: dict[str, str], before: str) -> Memory:
    """Return a stored item as a memory in front of the message `before`."""
    value = item.value
    kind = {"entities": "entity", "facts": "fact"}.get(item.namespace[1], "message")
    memory: Memory = {
        "id": item.key,
        "kind": kind,  # type: ignore[typeddict-item]
        "text": str(value.get("text") or ""),
        "speaker": str(value.get("name") or value.get("role") or ""),
        "time": str(value.get("time") or value.get("last_seen") or value.get("recorded_at") or ""),
        "thread": named.get(str(value.get("thread") or ""), str(value.get("thread") or "")),
        "before": before,
    }
    if isinstance(item, SearchItem) and item.score is not None:
        memory["score"] = round(item.score, 4)
    return memory
