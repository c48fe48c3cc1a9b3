"""Which model answers a run, how its tokens compare with ours, and how it is asked in private."""

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable
from langgraph.store.base import BaseStore

from threadkeep.base.tokens import count_messages, exact_for, ratio_of
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.models.choice import Choice, choose_model
from threadkeep.prompt.ledger import usage_of
from threadkeep.prompt.window import Window, window_of
from threadkeep.stores.dependencies import dependencies_of
from threadkeep.stores.usage import Usage

MODELS_KEPT = 16


async def model_of(context: Context, store: BaseStore) -> BaseChatModel:
    """Return the model of the run: the caller's, or the process's own choice; built once.

    Raises:
        NoModel: it cannot be used, for want of a key for instance.
    """
    return (await _choose(context, store))[1]


async def choice_of(context: Context, store: BaseStore) -> Choice:
    """Return which model that is, and why.

    Raises:
        NoModel: it cannot be used, for want of a key for instance.
    """
    return (await _choose(context, store))[0]


def name_of(model: BaseChatModel) -> str:
    """Return the model's name, as ratios are kept by it."""
    return str(getattr(model, "model_name", None) or model._llm_type)[:200]


def served(model: BaseChatModel) -> str:
    """Return the model's name and its server, for what is learned about how to ask it."""
    return f"{name_of(model)} at {getattr(model, 'openai_api_base', None) or 'home'}"


def is_exact(model: BaseChatModel) -> bool:
    """Tell whether what is counted here is what this model counts; the offline model has no other.

    Else the figures are estimates, corrected by what the provider reports.
    """
    return name_of(model) == "offline" or exact_for(name_of(model))


def window_for(state: State, model: BaseChatModel, context: Context) -> Window:
    """Return the budgets of `context` for this model, as far as the thread has got to know it."""
    ratio = 1.0 if is_exact(model) else ratio_of(state.ratios, name_of(model))
    return window_of(context, ratio=ratio, most=state.windows.get(name_of(model)))


async def ask_quietly(
    model: Runnable[list[BaseMessage], BaseMessage], prompt: str
) -> tuple[AIMessage, Usage]:
    """Return the reply to a prompt that is nobody's message, and what it took.

    Without callbacks: these tokens are not the answer and must not be streamed as one.
    """
    asked: list[BaseMessage] = [HumanMessage(prompt)]
    reply = await model.ainvoke(asked, {"callbacks": [], "tags": ["nostream"]})
    if not isinstance(reply, AIMessage):
        raise TypeError(f"a chat model answered with {type(reply).__name__}")
    return reply, usage_of(count_messages(asked), reply)


async def _choose(context: Context, store: BaseStore) -> tuple[Choice, BaseChatModel]:
    dependencies = dependencies_of(store)
    models: dict[str | None, tuple[Choice, BaseChatModel]] = dependencies.models
    if context.model not in models:
        if len(models) >= MODELS_KEPT:
            models.clear()
        choice = await choose_model(dependencies.settings, context.model or dependencies.model)
        models[context.model] = choice, choice.build()
    return models[context.model]
