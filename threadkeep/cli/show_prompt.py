"""`threadkeep threads prompt`: what a model is shown of a thread, and what it takes."""

import json
import sys
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_openai_messages
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import GetOp, Item

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import PINNED
from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.base.validation import validate_id
from threadkeep.cli.context_options import context_of
from threadkeep.cli.event_loop import run
from threadkeep.cli.failures import complain
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.pins import pins_op, pins_within_budget
from threadkeep.knowledge.state_corrections import corrections_update, updated_state
from threadkeep.prompt.plan import PromptPlan, plan_prompt
from threadkeep.prompt.recalled_turns import read_recalled_items
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.stores.namespaces import threads_of, user_key
from threadkeep.turn_agent import Agent, open_agent


def show_prompt(
    settings: Settings, user: str, name: str, chosen: dict[str, Any], *, as_json: bool
) -> None:
    """Print the prompt of the thread as it stands, without a call to the model."""
    name = validate_id(name, "thread")
    plan = run(_plan(settings, user, name, chosen))
    if as_json:
        shown = convert_to_openai_messages(plan.prompt)
        told = {"prompt": shown, "tokens": plan.ledger}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    sys.stdout.write("\n\n".join(map(_line, plan.prompt)) + "\n")
    complain(
        f"{plan.ledger['prompt']:,} tokens, {plan.ledger['free']:,} of "
        f"{plan.ledger['limit']:,} still free."
    )


async def plan_of(agent: Agent, context: Context, name: str) -> PromptPlan:
    """Return what a model is shown of the thread as it stands.

    Raises:
        BadInput: the user has no such thread.
    """
    config = await agent.config(context, name)
    state = await _state(agent, config)
    if not state.messages:
        raise BadInput(
            f"User {context.user_id!r} has no thread {name!r}; "
            "see threadkeep threads list for the names."
        )
    with acting_as(context.user_id):
        store, owner = agent.store, await user_key(agent.store, context.user_id)
        thread = str(config["configurable"]["thread_id"])
        item, pins = await store.abatch([GetOp(threads_of(owner), thread), pins_op(owner)])
        record = item.value if isinstance(item, Item) else {}
        state = updated_state(state, await corrections_update(store, owner, thread, record, state))
        standing = [turn for turn in state.recalled if turn["before"] != PINNED]
        pinned, _ = await pins_within_budget(store, owner, pins, context)
        memories = [*pinned, *await read_recalled_items(store, owner, standing)]
    window = window_for(state, await model_of(context, agent.store), context)
    return plan_prompt(state, memories, context, window)


async def _plan(settings: Settings, user: str, name: str, chosen: dict[str, Any]) -> PromptPlan:
    async with open_agent(settings) as agent:
        context = context_of(user, None, chosen, await agent.choices(user, name))
        return await plan_of(agent, context, name)


async def _state(agent: Agent, config: RunnableConfig) -> State:
    found = await agent.graph.aget_state(config)
    kept = {name: value for name, value in found.values.items() if name in State.__annotations__}
    return State(**kept)


def _line(message: BaseMessage) -> str:
    role = {"human": "user", "ai": "assistant"}.get(message.type, message.type)
    return f"{message.name or role}: {text_with_tool_calls(message)}"
