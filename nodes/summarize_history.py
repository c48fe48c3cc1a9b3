"""Past the high watermark, fold the oldest messages into the running summary."""

import logging
from collections.abc import Sequence

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from chat_models.extractive import summarize
from chat_models.offline import OfflineChatModel
from chat_models.tokens import count_message, count_text
from graph.context import Context
from graph.state import State, Update
from nodes.call_model import model_of
from nodes.legal import Exchange, exchanges, repair
from nodes.owner import context_of
from nodes.prompts import SUMMARIZE, as_transcript
from nodes.trim_history import Window, after, before, window_of

log = logging.getLogger(__name__)


async def summarize_history(state: State, runtime: Runtime[Context]) -> Update:
    """Fold what is due; a summary that fails leaves the state as it was and is due again."""
    context = context_of(runtime)
    if not context.summarizes:
        return {}
    window = window_of(context)
    uncovered = after(state.messages, state.summarized_through)
    parts = exchanges(repair(uncovered))
    memories = int(state.ledger.get("memories") or 0)
    due = due_for_summary(parts, window, memories, keep_one=context.memory == "summary")
    if not due:
        return {}
    folded = before(uncovered, parts[due][0].id)
    summary = await extend_summary(state.summary, folded, window, context)
    if not summary:
        return {}
    return {"summary": summary, "summarized_through": folded[-1].id or "", "recalled": []}


def due_for_summary(
    parts: Sequence[Exchange], window: Window, memories: int, *, keep_one: bool
) -> int:
    """Return how many of the oldest exchanges to fold, 0 while the high watermark is not reached.

    The newest exchange is never folded. With `keep_one`, it is all that is kept.
    """
    if keep_one:
        return max(0, len(parts) - 1)
    sizes = [sum(map(count_message, part)) for part in parts]
    total = sum(sizes)
    if total + memories <= window.high:
        return 0
    due = 0
    while due < len(parts) - 1 and total > window.low:
        total -= sizes[due]
        due += 1
    return due


async def extend_summary(
    previous: str,
    folded: Sequence[AnyMessage],
    window: Window,
    context: Context,
) -> str:
    """Return the summary that covers `previous` and `folded`, or "" where the model failed."""
    model = await model_of(context)
    if isinstance(model, OfflineChatModel):
        return summarize(previous, folded, window.summary_words)
    prompt = SUMMARIZE.format(
        words=window.summary_words // 2, previous=previous, messages=as_transcript(folded)
    )
    try:
        # No callbacks: these tokens are not the answer and must not be streamed as one.
        reply = await model.ainvoke([HumanMessage(prompt)], {"callbacks": [], "tags": ["nostream"]})
    except Exception as error:
        log.warning("The summary failed and will be tried again next turn: %s", error)
        return ""
    text = str(reply.text).strip()
    return text if count_text(text) <= window.summary_words else ""
