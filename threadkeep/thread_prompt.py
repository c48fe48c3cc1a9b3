"""What a model is shown of a thread as it stands."""

from langchain_core.messages import HumanMessage
from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import PINNED
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.listing import list_messages
from threadkeep.knowledge.pins import pins_op, pins_within_budget
from threadkeep.knowledge.state_corrections import corrections_update, updated_state
from threadkeep.prompt.plan import PromptPlan, plan_prompt
from threadkeep.prompt.recalled_turns import read_recalled_items
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.stores.namespaces import threads_of

MAX_ROWS = 50
"""Newest messages among which a user's is looked for."""


async def state_of_stored_thread(store: BaseStore, owner: str, thread_id: str, name: str) -> State:
    """Return a state with the last message of a user in a thread that has stored messages only.

    Raises:
        BadInput: there is no such thread, or no such message in it.
    """
    rows = await list_messages(store, owner, thread_id, name, MAX_ROWS)
    for row in reversed(rows):
        if row["role"] == "user":
            return State(messages=[HumanMessage(row["text"], id=row["id"])])
    raise BadInput(f"Nobody has said anything in the thread {name!r} yet.")


async def prompt_of_thread(
    store: BaseStore, owner: str, thread_id: str, state: State, context: Context
) -> PromptPlan:
    """Return the prompt of a thread in this state, its corrections and pins taken in."""
    item, pins = await store.abatch([GetOp(threads_of(owner), thread_id), pins_op(owner)])
    record = item.value if isinstance(item, Item) else {}
    state = updated_state(state, await corrections_update(store, owner, thread_id, record, state))
    recalled = [turn for turn in state.recalled if turn["before"] != PINNED]
    pinned, _ = await pins_within_budget(store, owner, pins, context)
    memories = [*pinned, *await read_recalled_items(store, owner, recalled)]
    window = window_for(state, await model_of(context, store), context)
    return plan_prompt(state, memories, context, window)
