"""Which model answers a run, its window, and calls that are not part of the conversation."""

import asyncio

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.store.base import BaseStore

from threadkeep.base.tokens import count_messages, ratio_of
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.models.calls import Bound, call
from threadkeep.models.choice import Choice, choose_model
from threadkeep.models.identity import is_exact, name_of
from threadkeep.prompt.ledger import usage_of
from threadkeep.prompt.window import Window, window_of
from threadkeep.stores.dependencies import dependencies_of
from threadkeep.stores.usage import Usage

MAX_MODELS = 16


async def model_of(context: Context, store: BaseStore) -> BaseChatModel:
    """Return the model of the run: that of its context, or the default one. Built once.

    Raises:
        NoModel: it cannot be used, because a key is missing for instance.
    """
    return (await _choose(context, store))[1]


async def choice_of(context: Context, store: BaseStore) -> Choice:
    """Return the choice of the model of the run, and the reason for it.

    Raises:
        NoModel: it cannot be used, because a key is missing for instance.
    """
    return (await _choose(context, store))[0]


def window_for(state: State, model: BaseChatModel, context: Context) -> Window:
    """Return the budgets of `context`, with what the thread learned of this model's tokens."""
    ratio = 1.0 if is_exact(model) else ratio_of(state.ratios, name_of(model))
    limit = state.windows.get(name_of(model))
    return window_of(context, state.messages, ratio=ratio, limit=limit)


async def ask_quietly(
    model: BaseChatModel, prompt: str, bound: Bound | None = None
) -> tuple[AIMessage, Usage]:
    """Return the reply to a prompt that is not part of the conversation, and what it took.

    Without callbacks: its tokens must not be streamed as the answer. `bound`, if given, is called
    in place of `model`.

    Raises:
        ModelFault: the call failed.
    """
    messages = [HumanMessage(prompt)]
    reply = await call(model, messages, {"callbacks": [], "tags": ["nostream"]}, bound=bound)
    return reply, usage_of(count_messages(messages), reply)


async def _choose(context: Context, store: BaseStore) -> tuple[Choice, BaseChatModel]:
    dependencies = dependencies_of(store)
    models: dict[str | None, tuple[Choice, BaseChatModel]] = dependencies.models
    if context.model not in models:
        if len(models) >= MAX_MODELS:
            models.clear()
        choice = await choose_model(dependencies.settings, context.model or dependencies.model)
        # In a thread: the first use of a provider imports its package, for seconds.
        models[context.model] = choice, await asyncio.to_thread(choice.build)
    return models[context.model]
