"""What a model is shown of a thread as it stands."""

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.memory_block import PINNED
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.pins import pins_op, pins_within_budget
from threadkeep.knowledge.state_corrections import corrections_update, updated_state
from threadkeep.prompt.plan import PromptPlan, plan_prompt
from threadkeep.prompt.recalled_turns import read_recalled_items
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.stores.namespaces import threads_of


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
