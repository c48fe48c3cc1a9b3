"""Answer: send the prompt, stream the reply, record what the provider says it cost."""

from functools import lru_cache

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime

from chat_models.choice import Choice, choose_model
from graph.context import Context
from graph.settings import Settings, load_settings
from graph.state import Ledger, State, Update
from nodes.owner import context_of, owner_of, store_of
from nodes.retrieve_memories import recalled_memories
from nodes.trim_history import plan_prompt


async def call_model(state: State, runtime: Runtime[Context], config: RunnableConfig) -> Update:
    """Call the model once with the prompt of this turn."""
    context = context_of(runtime)
    prompt = state.llm_input_messages
    if not prompt:
        # A resumed run: what is not checkpointed is made again from what is.
        standing = await recalled_memories(
            store_of(runtime), await owner_of(runtime), state.recalled
        )
        prompt = plan_prompt(state, standing, context).prompt
    reply = await model_of(context).ainvoke(prompt, config)
    return {"messages": [reply], "ledger": with_usage(state.ledger, reply)}


def model_of(context: Context) -> BaseChatModel:
    """Return the model of the run: the caller's, or the process's own choice."""
    return _built(load_settings(), context.model)


def choice_of(context: Context) -> Choice:
    """Return which model the run uses and why."""
    return choose_model(load_settings(), context.model)


def with_usage(ledger: Ledger, reply: AIMessage) -> Ledger:
    """Return the ledger with what the provider reported, where it did."""
    usage = reply.usage_metadata
    if not usage:
        return ledger
    cached = (usage.get("input_token_details") or {}).get("cache_read", 0)
    reported = {
        "prompt": usage["input_tokens"],
        "reply": usage["output_tokens"],
        "cached": cached,
    }
    return {**ledger, "reported": reported}


@lru_cache(maxsize=8)
def _built(settings: Settings, name: str | None) -> BaseChatModel:
    return choose_model(settings, name).build()
