"""Fill `memories` with what this user's past says about the newest message."""

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, GetOp, Item, Op, Result, SearchItem, SearchOp

from threadkeep.base.clock import now
from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.tokens import count_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import RecalledTurn, State, Update
from threadkeep.knowledge.branch_head import has_diverged, head_of
from threadkeep.knowledge.branch_sync import follow_branch
from threadkeep.knowledge.pins import pins_op, pins_within_budget
from threadkeep.knowledge.state_corrections import corrections_update
from threadkeep.prompt.coverage import Coverage
from threadkeep.prompt.memory_budget import FRAME_OF_LINE, within
from threadkeep.prompt.recalled_turns import (
    as_memory,
    reads,
    scored,
    standing,
    still_standing,
    thread_names,
)
from threadkeep.prompt.run_owner import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.prompt.validity import exchanges, newest_user_message, text_of
from threadkeep.prompt.visible_history import max_exchanges
from threadkeep.stores.namespaces import all_messages_of, entities_of, facts_of, threads_of

QUERY_CHARACTERS = 2_000
KNOWN = 6
NAMES = 12
FRESH_PART = 5
"""At least this part of the recall budget is for the newest message, whatever stands already."""
FRESH_LEAST = 100
"""Tokens; with fewer, the fence and a date line leave no room for what was said."""
FEWEST, MOST = 24, 200
"""Messages that are asked for, however few or many tokens there are for them."""
USUAL_TOKENS = 20
"""For so many tokens of the budget one message is asked for: twice as many as will fit, mostly."""


@on_run_clock
async def retrieve_memories(state: State, runtime: Runtime[Context]) -> Update:
    """Fill `memories` with what this user's past says about the newest message."""
    context, store = context_of(runtime), store_of(runtime)
    owner = await owner_of(runtime)
    begun: Update = {"turn_at": now().isoformat()}
    newest = newest_user_message(state.messages)
    recalls = newest is not None and (context.recalls_messages or context.recalls_entities)
    query = text_of(newest)[:QUERY_CHARACTERS] if newest and recalls else ""
    asked = searches(owner, query, context) if query.strip() else []
    recalled = within_reach(state, context)
    ops: list[Op] = [pins_op(owner), *asked, *reads(owner, recalled)]
    (pins, *results), record = await _as_of_this_branch(store, owner, state, ops)
    begun |= await corrections_update(store, owner, thread_of(), record, state)
    pinned, places = await pins_within_budget(store, owner, pins, context)
    if newest is None or not (recalls or pinned):
        return begun
    shown_before = [
        each
        for each in standing(recalled, results[len(asked) :])
        if each.item.key not in {memory["id"] for memory in pinned}
    ]
    found = _items(results[: len(asked)])
    if context.memory == "graph":
        found += await facts_around(store, owner, found)
    shown = state.messages
    if context.summarizes:
        # What is only covered by the summary may be recalled word for word.
        shown = Coverage.of(state).uncovered(shown)
    if pinned:
        recalled.insert(0, {"before": PINNED, "places": places})
    fresh = unseen(found, recalled, shown)
    named = await thread_names(store, owner, [*(each.item for each in shown_before), *fresh])
    earlier = [as_memory(item, named, before, scores) for item, before, scores in shown_before]
    chosen = within(
        [as_memory(item, named, newest.id or "") for item in fresh],
        fresh_budget(earlier, context.recall_tokens),
    )
    if chosen:
        recalled.append(as_recalled(newest.id or "", chosen, fresh))
    return begun | {"memories": [*pinned, *earlier, *chosen], "recalled": recalled}


def as_recalled(before: str, chosen: Sequence[RecalledItem], items: Iterable[Item]) -> RecalledTurn:
    """Return what a state keeps of the chosen ones of `items`: places and scores, no text."""
    places = {item.key: [*item.namespace[1:], item.key] for item in items}
    return {
        "before": before,
        "places": [places[memory["id"]] for memory in chosen],
        "scores": [scored(memory) for memory in chosen],
    }


async def _as_of_this_branch(
    store: BaseStore, owner: str, state: State, ops: Sequence[Op]
) -> tuple[list[Result], dict[str, Any]]:
    """Return the results of `ops` on memory as it is on the branch that the state stands on.

    And the record of the thread.
    """
    thread = thread_of()
    *results, item = await store.abatch([*ops, GetOp(threads_of(owner), thread)])
    record = item.value if isinstance(item, Item) else {}
    if record and has_diverged(record, head := head_of(vars(state))):
        await follow_branch(store, owner, thread, head)
        results = await store.abatch(ops)
    return results, record


def within_reach(state: State, context: Context) -> list[RecalledTurn]:
    """Return what was recalled in front of messages that this turn still shows."""
    last = exchanges(state.messages)[-max_exchanges(context) :]
    ids = {message.id for part in last for message in part}
    return [turn for turn in still_standing(state.recalled) if turn["before"] in ids]


def searches(owner: str, query: str, context: Context) -> list[Op]:
    """Return the searches of a turn: for what is known, then for what was said."""
    ops: list[Op] = []
    if context.recalls_entities:
        ops.append(SearchOp(entities_of(owner), query=query, limit=KNOWN))
    if context.recalls_facts:
        ops.append(SearchOp(facts_of(owner), query=query, limit=KNOWN))
    if context.recalls_messages:
        enough = min(MOST, max(FEWEST, context.recall_tokens // USUAL_TOKENS))
        ops.append(SearchOp(all_messages_of(owner), query=query, limit=enough))
    return ops


async def facts_around(
    store: BaseStore, owner: str, found: Sequence[SearchItem]
) -> list[SearchItem]:
    """Return the facts that lie around what was found: about the same names, one step further."""
    told = [item.value.get(key) for item in found for key in ("name", "subject", "object")]
    names = list(dict.fromkeys(name for name in told if isinstance(name, str)))[:NAMES]
    if not names:
        return []
    query = " ".join(names)[:QUERY_CHARACTERS]
    near = await store.asearch(facts_of(owner), query=query, limit=KNOWN)
    keys = {item.key for item in found}
    return [item for item in near if item.key not in keys]


def unseen(
    found: Iterable[SearchItem], recalled: Sequence[RecalledTurn], shown: Sequence[AnyMessage]
) -> list[SearchItem]:
    """Return what neither the window nor an earlier memory block shows, and no outdated fact.

    What was said twice in the same words is shown once.
    """
    seen = {place[-1] for turn in recalled for place in turn["places"]}
    seen |= {message.id or "" for message in shown}
    said = {_words(text_of(message)) for message in shown}
    fresh: list[SearchItem] = []
    for item in found:
        words = _words(str(item.value.get("text") or ""))
        # A thread that was forked holds the same messages as the one it comes from.
        if item.key in seen or words in said or item.value.get("superseded_by"):
            continue
        seen.add(item.key)
        said.add(words)
        fresh.append(item)
    return fresh


def fresh_budget(standing: Iterable[RecalledItem], budget: int) -> int:
    """Return how many tokens may be recalled beside what still stands in the prompt.

    What was recalled stays until the next compaction, so a full budget every turn would bring
    compaction every other turn, and no provider's cache would ever hold the prompt.
    """
    stands = sum((m.get("tokens") or count_text(m["text"])) + FRAME_OF_LINE for m in standing)
    return max(budget - stands, budget // FRESH_PART, min(budget, FRESH_LEAST))


def _items(results: Iterable[Result]) -> list[SearchItem]:
    found = (item for items in results if isinstance(items, list) for item in items)
    return [item for item in found if isinstance(item, SearchItem)]


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
