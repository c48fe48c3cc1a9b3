"""Store every word of the turn for the long term, and prune messages that are not shown again."""

from langchain_core.messages import AIMessage, RemoveMessage
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.stored_messages import extend_messages, new_messages, store_messages
from threadkeep.knowledge.thread_records import current_record, touch_thread
from threadkeep.prompt.ledger import usage_of
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.runtime import (
    context_of,
    on_run_clock,
    owner_of,
    store_of,
    thread_name,
    thread_of,
)
from threadkeep.prompt.visible_history import prunable_messages
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.usage import add_usage


@on_run_clock
async def store_turn(state: State, runtime: Runtime[Context]) -> Update:
    """Store new messages, update the thread's record, prune what is never shown again."""
    store, owner, thread = store_of(runtime), await owner_of(runtime), thread_of()
    context = context_of(runtime)
    record = await current_record(store, owner, thread, state)
    begins_at = int(record.get("begins_at") or 0)
    new = new_messages(state, thread, max(state.stored, begins_at))
    ttl = ttl_of(store, record)
    await store_messages(store, owner, new, ttl)
    extended = await extend_messages(store, owner, thread, record, ttl)
    await touch_thread(store, owner, thread, new, thread_name(get_config()), record | extended, ttl)
    await _bill_answer(store, owner, thread, state)
    window = window_for(state, await model_of(context, store), context)
    pruned = prunable_messages(state, context, window)
    return {
        "messages": [RemoveMessage(id=message.id or "") for message in pruned],
        "stored": max(state.stored, begins_at) + len(new),
        "stored_through": state.messages[-1].id or "" if state.messages else "",
    }


async def _bill_answer(store: BaseStore, owner: str, thread: str, state: State) -> None:
    """Add the usage of the turn's model call to the user's sums, once per reply."""
    reply = state.messages[-1] if state.messages else None
    if isinstance(reply, AIMessage):
        usage = usage_of(int(state.ledger.get("prompt") or 0), reply)
        once = reply.id or ""
        await add_usage(store, owner, thread, state.turn_at[:10], "answer", usage, once=once)
