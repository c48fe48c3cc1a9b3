"""Answer: send the prompt, stream the reply, record what the provider reports."""

import re

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, merge_message_runs
from langgraph.runtime import Runtime

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.message_text import text_of
from threadkeep.base.tokens import apply_ratio, learn_ratio
from threadkeep.base.user import acting_as
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.quotes import find_quotes
from threadkeep.models.answers import call_for_answer
from threadkeep.models.calls import Bound
from threadkeep.models.faults import CallFailed, ContextOverflow, RequestRefused
from threadkeep.models.identity import endpoint_of, is_exact, name_of
from threadkeep.models.offline import OfflineChatModel
from threadkeep.models.offline_answer import asks_memory
from threadkeep.prompt.exchanges import newest_user_message
from threadkeep.prompt.ledger import reply_entries, reported_tokens
from threadkeep.prompt.media_words import concerns_media, is_unsupported, without_media
from threadkeep.prompt.plan import PromptPlan, plan_prompt
from threadkeep.prompt.recalled_turns import read_recalled_items
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.runtime import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.prompt.window import window_of

RETRY_SHARE = 0.7
"""Share of the prompt that is tried once more after the first one overflowed."""
MAX_WINDOWS = 16
"""Models whose learned windows a state holds."""
_ROLES_MUST_ALTERNATE = re.compile(r"alternat|consecutive|roles? must", re.IGNORECASE)
_alternating_endpoints: set[str] = set()
_text_models: set[tuple[str, str]] = set()
"""Endpoint and name of the models that have refused pictures and files."""


@on_run_clock
async def call_model(state: State, runtime: Runtime[Context]) -> Update:
    """Call the model with the prompt of this turn; once more with a smaller one if it overflows."""
    context = context_of(runtime)
    model = await model_of(context, store_of(runtime))
    name, exact, update = name_of(model), is_exact(model), Update()
    prompt, counted = state.llm_input_messages["messages"], int(state.ledger.get("counted") or 0)
    if not prompt:
        # A resumed run: the prompt is not checkpointed, so plan it again.
        window = window_for(state, model, context)
        plan = plan_prompt(state, await _memories(state, runtime), context, window)
        prompt, counted = plan.prompt, int(plan.ledger["counted"])
    try:
        reply = await _answer(model, prompt, await _with_quotes(model, state, runtime))
    except ContextOverflow as overflow:
        plan, limit = await _smaller_plan(state, runtime, model, overflow, counted)
        reply = await _answer(model, plan.prompt)
        counted = int(plan.ledger["counted"])
        update = plan.update(state) | {"windows": _learn_window(state.windows, name, limit)}
    update["ledger"] = update.get("ledger", {}) | reply_entries(reply, name, exact=exact)
    update["messages"] = [reply]
    reported = reported_tokens(reply).get("prompt", 0)
    if reported and not exact:
        update["ratios"] = learn_ratio(state.ratios, name, counted, reported)
    return update


async def _with_quotes(
    model: BaseChatModel, state: State, runtime: Runtime[Context]
) -> Bound | None:
    """Return the offline model with what it may quote; None for any other.

    In a preset without recall it quotes its prompt alone.
    """
    question, context = newest_user_message(state.messages), context_of(runtime)
    if not isinstance(model, OfflineChatModel) or question is None:
        return None
    if not context.recalls_messages or not asks_memory(text := text_of(question)):
        return None
    with acting_as(context.user_id):
        quotes = await find_quotes(
            store_of(runtime),
            await owner_of(runtime),
            text,
            thread=thread_of(),
            exclude=question.id or "",
        )
    return model.bind(quotes=quotes)


async def _answer(
    model: BaseChatModel, prompt: list[AnyMessage], bound: Bound | None = None
) -> AIMessage:
    """Return the reply; a model that refuses pictures and files gets words for them."""
    key = (endpoint_of(model), name_of(model))
    words = without_media(prompt)
    if key not in _text_models:
        try:
            return await _answer_by_roles(model, prompt, bound)
        except (RequestRefused, CallFailed) as refused:
            reason = str(refused)
            if words == prompt or not concerns_media(reason):
                raise
        if is_unsupported(reason):
            _text_models.add(key)
    return await _answer_by_roles(model, words, bound)


async def _answer_by_roles(
    model: BaseChatModel, prompt: list[AnyMessage], bound: Bound | None
) -> AIMessage:
    """Return the reply; where roles must alternate, neighbours of one role are merged."""
    endpoint = endpoint_of(model)
    if endpoint not in _alternating_endpoints:
        try:
            return await call_for_answer(model, prompt, bound=bound)
        except (RequestRefused, CallFailed) as refused:
            if not _ROLES_MUST_ALTERNATE.search(str(refused)):
                raise
        _alternating_endpoints.add(endpoint)
    return await call_for_answer(model, merge_message_runs(prompt, chunk_separator="\n\n"))


async def _smaller_plan(
    state: State,
    runtime: Runtime[Context],
    model: BaseChatModel,
    overflow: ContextOverflow,
    counted: int,
) -> tuple[PromptPlan, int]:
    """Return a plan of 70% of the prompt that overflowed, or less if the model named its limit.

    Return its limit in reported tokens too.

    Raises:
        ContextOverflow: not even the system prompt would fit.
    """
    context = context_of(runtime)
    window = window_for(state, model, context)
    limit = int(apply_ratio(counted, window.ratio) * RETRY_SHARE)
    if overflow.limit and overflow.limit > context.reserve_tokens:
        limit = min(limit, overflow.limit - context.reserve_tokens)
    try:
        smaller = window_of(context, state.messages, ratio=window.ratio, limit=limit)
    except BadInput:
        raise overflow from None
    return plan_prompt(state, await _memories(state, runtime), context, smaller), limit


async def _memories(state: State, runtime: Runtime[Context]) -> list[RecalledItem]:
    if state.memories:
        return state.memories
    return await read_recalled_items(store_of(runtime), await owner_of(runtime), state.recalled)


def _learn_window(windows: dict[str, int], name: str, limit: int) -> dict[str, int]:
    """Return the windows with this model's, at most `MAX_WINDOWS` of them."""
    others = [(key, size) for key, size in windows.items() if key != name]
    return {**dict(others[1 - MAX_WINDOWS :]), name: limit}
