"""Recall: search the store for what helps to answer the newest message."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, GetOp, Item, Op, Result

from threadkeep.base.clock import now
from threadkeep.base.memory_block import PINNED
from threadkeep.base.message_text import words_of
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.pins import pins_op, pins_within_budget
from threadkeep.knowledge.related_facts import merge_facts, related_facts
from threadkeep.knowledge.state_corrections import corrections_update
from threadkeep.knowledge.thread_records import adopt_stored, follow_state
from threadkeep.prompt.coverage import Coverage
from threadkeep.prompt.exchanges import newest_user_message
from threadkeep.prompt.memory_budget import best_within
from threadkeep.prompt.recall_candidates import (
    date_in_question,
    facts_by_date,
    new_items,
    new_items_budget,
    search_items,
    search_ops,
    turns_in_reach,
)
from threadkeep.prompt.recalled_turns import (
    prompt_item,
    read_ops,
    recalled_records,
    recalled_turn,
    search_result_item,
    thread_names,
)
from threadkeep.prompt.runtime import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.stores.namespaces import threads_of


@on_run_clock
async def retrieve_memories(state: State, runtime: Runtime[Context]) -> Update:
    """Recall for the newest message: pins, items that are in the prompt already, new items."""
    context, store, owner = context_of(runtime), store_of(runtime), await owner_of(runtime)
    update: Update = {"turn_at": now().isoformat()}
    newest = newest_user_message(state.messages)
    recalls = newest is not None and (context.recalls_messages or context.recalls_entities)
    searches = search_ops(owner, words_of(newest), context) if newest and recalls else []
    recalled = turns_in_reach(state, context)
    ops: list[Op] = [pins_op(owner), *searches, *read_ops(owner, recalled)]
    (pins, *results), record, stored = await _results_on_branch(store, owner, state, ops)
    update |= stored
    update |= await corrections_update(store, owner, thread_of(), record, state)
    pinned, places = await pins_within_budget(store, owner, pins, context)
    if newest is None or not (recalls or pinned):
        return update
    pinned_ids = {item["id"] for item in pinned}
    records = recalled_records(recalled, results[len(searches) :])
    records = [record for record in records if record.item.key not in pinned_ids]
    if pinned:
        recalled.insert(0, {"before": PINNED, "places": places})
    candidates, date = search_items(results[: len(searches)]), date_in_question(words_of(newest))
    if context.recalls_facts:
        near = candidates if context.memory == "graph" else ()
        related = await related_facts(store, owner, words_of(newest), date, near)
        candidates = merge_facts(facts_by_date(candidates, date), related)
    candidates = new_items(candidates, recalled, _messages_in_prompt(state, context), date)
    names = await thread_names(store, owner, [*(r.item for r in records), *candidates])
    earlier = [prompt_item(record, names) for record in records]
    newest_id = newest.id or ""
    new = best_within(
        [search_result_item(item, names, newest_id) for item in candidates],
        new_items_budget(earlier, context.recall_tokens),
    )
    if new:
        recalled.append(recalled_turn(newest_id, new, candidates))
    return update | {"memories": [*pinned, *earlier, *new], "recalled": recalled}


async def _results_on_branch(
    store: BaseStore, owner: str, state: State, ops: Sequence[Op]
) -> tuple[list[Result], dict[str, Any], Update]:
    """Return the results of `ops` on the branch of the state, the thread's record, and an update.

    The update says how far a new state is stored already.
    """
    thread = thread_of()
    *results, item = await store.abatch([*ops, GetOp(threads_of(owner), thread)])
    record = item.value if isinstance(item, Item) else {}
    stored = await adopt_stored(store, owner, thread, record, state)
    if await follow_state(store, owner, thread, record, replace(state, **dict[str, Any](stored))):
        results = await store.abatch(ops)
    return results, record, stored


def _messages_in_prompt(state: State, context: Context) -> list[AnyMessage]:
    """Return the messages that need no recall; those that only the summary covers do."""
    return Coverage.of(state).uncovered(state.messages) if context.summarizes else state.messages
