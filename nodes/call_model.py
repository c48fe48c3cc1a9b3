"""Answer: send the prompt, stream the reply, record what the provider says it cost."""

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from chat_models.choice import choose_model
from graph.context import Context
from graph.settings import Settings, load_settings
from graph.state import Ledger, State, Update
from nodes.owner import context_of, owner_of, store_of
from nodes.recalled import recalled_memories
from nodes.trim_history import plan_prompt

MODELS_KEPT = 16
_built: dict[tuple[Settings, str | None], BaseChatModel] = {}


async def call_model(state: State, runtime: Runtime[Context]) -> Update:
    """Call the model once with the prompt of this turn."""
    context = context_of(runtime)
    prompt = state.llm_input_messages
    if not prompt:
        # A resumed run: what is not checkpointed is made again from what is.
        standing = await recalled_memories(
            store_of(runtime), await owner_of(runtime), state.recalled
        )
        prompt = plan_prompt(state, standing, context).prompt
    model = await model_of(context)
    reply = await model.ainvoke(prompt)
    return {"messages": [reply], "ledger": with_usage(state.ledger, reply)}


async def model_of(context: Context) -> BaseChatModel:
    """Return the model of the run: the caller's, or the process's own choice; built once.

    Raises:
        NoModel: it cannot be used, for want of a key for instance.
    """
    wanted = (load_settings(), context.model)
    if wanted not in _built:
        if len(_built) >= MODELS_KEPT:
            _built.clear()
        _built[wanted] = (await choose_model(*wanted)).build()
    return _built[wanted]


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
