"""Choose the messages of the prompt within the token budget, and write the ledger."""

from langgraph.runtime import Runtime

from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.prompt.plan import plan_prompt
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.runtime import context_of, store_of


async def trim_history(state: State, runtime: Runtime[Context]) -> Update:
    """Plan the prompt of this turn; quote from messages that leave it, without a model."""
    context = context_of(runtime)
    window = window_for(state, await model_of(context, store_of(runtime)), context)
    return plan_prompt(state, state.memories, context, window).update(state)
