"""Answer: send the prompt, stream the reply, record what the provider says it cost."""

import re

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, merge_message_runs
from langgraph.runtime import Runtime

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import apply_ratio, learn_ratio
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.models.calls import call
from threadkeep.models.faults import CallFailed, ContextOverflow, RequestRefused
from threadkeep.models.identity import endpoint_of, is_exact, name_of
from threadkeep.prompt.ledger import reported_by, with_reply
from threadkeep.prompt.plan import PromptPlan, plan_prompt
from threadkeep.prompt.recalled_turns import read_recalled_items
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.run_owner import context_of, on_run_clock, owner_of, store_of
from threadkeep.prompt.window import window_of

RETRIM = 0.7
"""Share of the prompt that is tried once more when the first one overflowed."""
MODELS_KEPT = 16
_ALTERNATE = re.compile(r"alternat|consecutive|roles? must", re.IGNORECASE)
_alternating: set[str] = set()


@on_run_clock
async def call_model(state: State, runtime: Runtime[Context]) -> Update:
    """Call the model once with the prompt of this turn; a smaller one if that overflows."""
    context = context_of(runtime)
    model = await model_of(context, store_of(runtime))
    done: Update = {}
    prompt, counted = state.llm_input_messages["messages"], int(state.ledger.get("counted") or 0)
    if not prompt:
        # A resumed run: what is not checkpointed is made again from what is.
        window = window_for(state, model, context)
        plan = plan_prompt(state, await _memories(state, runtime), context, window)
        prompt, counted = plan.prompt, int(plan.ledger["counted"])
    try:
        reply = await answer(model, prompt)
    except ContextOverflow as overflow:
        plan, most = await smaller_plan(state, runtime, model, overflow, counted)
        reply = await answer(model, plan.prompt)
        prompt, counted = plan.prompt, int(plan.ledger["counted"])
        done = plan.update(state) | {"windows": _learned(state.windows, name_of(model), most)}
    told = with_reply(reply, name_of(model), exact=is_exact(model))
    done["ledger"] = {**done["ledger"], **told} if "ledger" in done else told
    done["messages"] = [reply]
    reported = reported_by(reply).get("prompt", 0)
    if reported and not is_exact(model):
        done["ratios"] = learn_ratio(state.ratios, name_of(model), counted, reported)
    return done


async def answer(model: BaseChatModel, prompt: list[AnyMessage]) -> AIMessage:
    """Return the reply; a server that wants roles to alternate gets neighbours as one message."""
    endpoint = endpoint_of(model)
    if endpoint not in _alternating:
        try:
            return await call(model, prompt)
        except (RequestRefused, CallFailed) as refused:
            if not _ALTERNATE.search(str(refused)):
                raise
        _alternating.add(endpoint)
    return await call(model, merge_message_runs(prompt, chunk_separator="\n\n"))


async def smaller_plan(
    state: State,
    runtime: Runtime[Context],
    model: BaseChatModel,
    overflow: ContextOverflow,
    counted: int,
) -> tuple[PromptPlan, int]:
    """Return a prompt of 70% of the one that overflowed, or less if the model told its limit.

    Raises:
        ContextOverflow: the same, where that would not even hold the system prompt.
    """
    context = context_of(runtime)
    window = window_for(state, model, context)
    most = int(apply_ratio(counted, window.ratio) * RETRIM)
    if overflow.limit and overflow.limit > context.reserve_tokens:
        most = min(most, overflow.limit - context.reserve_tokens)
    try:
        smaller = window_of(context, ratio=window.ratio, most=most)
    except BadInput:
        raise overflow from None
    return plan_prompt(state, await _memories(state, runtime), context, smaller), most


async def _memories(state: State, runtime: Runtime[Context]) -> list[RecalledItem]:
    if state.memories:
        return state.memories
    return await read_recalled_items(store_of(runtime), await owner_of(runtime), state.recalled)


def _learned(windows: dict[str, int], name: str, most: int) -> dict[str, int]:
    """Return the windows with this model's, at most `MODELS_KEPT` of them."""
    rest = [(key, size) for key, size in windows.items() if key != name]
    return {**dict(rest[1 - MODELS_KEPT :]), name: most}
