"""Fill `memories` with what this user's past says about the newest message."""

from collections.abc import Iterable, Sequence

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from langgraph.store.base import Op, Result, SearchItem, SearchOp

from chat_models.tokens import count_text
from graph.clock import now
from graph.context import Context
from graph.memories import Memory
from graph.state import Recalled, State, Update
from nodes.legal import newest_user_message, text_of
from nodes.owner import context_of, owner_of, store_of
from nodes.recalled import as_memory, reads, standing, thread_names
from stores.namespaces import all_messages_of, entities_of, facts_of

QUERY_CHARACTERS = 2_000
CANDIDATES = 24
KNOWN = 6
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
    asked = searches(owner, query, context) if query.strip() else []
    results = await store.abatch([*asked, *reads(owner, state.recalled)])
    shown_before = standing(state.recalled, results[len(asked) :])
    fresh = unseen(_items(results[: len(asked)]), state.recalled, state.messages)
    named = await thread_names(store, owner, [*(item for item, _ in shown_before), *fresh])
    chosen = within(
        [as_memory(item, named, newest.id or "") for item in fresh], context.recall_tokens
    )
    kept = {memory["id"] for memory in chosen}
    places = [[*item.namespace[1:], item.key] for item in fresh if item.key in kept]
    recalled: list[Recalled] = [{"before": newest.id or "", "places": places}] if places else []
    earlier = [as_memory(item, named, before) for item, before in shown_before]
    return begun | {"memories": earlier + chosen, "recalled": [*state.recalled, *recalled]}


def searches(owner: str, query: str, context: Context) -> list[Op]:
    """Return the searches of a turn: for what is known, then for what was said."""
    ops: list[Op] = []
    if context.recalls_entities:
        ops += [
            SearchOp(namespace, query=query, limit=KNOWN)
            for namespace in (entities_of(owner), facts_of(owner))
        ]
    if context.recalls_messages:
        ops.append(SearchOp(all_messages_of(owner), query=query, limit=CANDIDATES))
    return ops


def unseen(
    found: Iterable[SearchItem], recalled: Sequence[Recalled], shown: Sequence[AnyMessage]
) -> list[SearchItem]:
    """Return what neither the window nor an earlier memory block shows, and no outdated fact."""
    seen = {place[-1] for turn in recalled for place in turn["places"]}
    seen |= {message.id or "" for message in shown}
    return [item for item in found if item.key not in seen and not item.value.get("superseded_by")]


def within(memories: Sequence[Memory], budget: int) -> list[Memory]:
    """Return the best memories that together take at most `budget` tokens."""
    kept: list[Memory] = []
    for memory in memories:
        cost = (memory.get("tokens") or count_text(memory["text"])) + TOKENS_PER_LINE
        if cost <= budget:
            kept.append(memory)
            budget -= cost
    return kept


def _items(results: Iterable[Result]) -> list[SearchItem]:
    found = (item for items in results if isinstance(items, list) for item in items)
    return [item for item in found if isinstance(item, SearchItem)]
