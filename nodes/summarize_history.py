"""Past the high watermark, compact the oldest messages into the running summary."""

from langgraph.runtime import Runtime

from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.prompt.compaction import cover_backlog, cover_out_of_reach, due_messages
from threadkeep.prompt.coverage import Coverage, messages_after
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.runtime import context_of, owner_of, store_of, thread_of
from threadkeep.prompt.summary_calls import extend_summary
from threadkeep.stores.usage import add_usage


async def summarize_history(state: State, runtime: Runtime[Context]) -> Update:
    """Summarise the messages that are due; after a failure they are due again next turn."""
    context, store = context_of(runtime), store_of(runtime)
    model = await model_of(context, store)
    window = window_for(state, model, context)
    if not context.summarizes:
        return cover_out_of_reach(state, context, window)
    due = due_messages(state, window, context)
    if not due:
        return {}
    coverage = Coverage.of(state)
    previous = "\n".join(part for part in (coverage.summary, coverage.extract) if part)
    summary = await extend_summary(previous, due, window, model)
    update: Update = {}
    if summary.usage["calls"]:
        owner, day = await owner_of(runtime), state.turn_at[:10]
        await add_usage(store, owner, thread_of(), day, "summary", summary.usage)
        update["ledger"] = {"internal": {"summary": summary.usage}}
    if not summary.covered:
        return update | cover_backlog(state, window)
    covered = due[: summary.covered]
    following = messages_after(state.messages, covered[-1].id or "")
    coverage = coverage.extend_summary(summary.text, covered, following, window)
    update["recalled"] = [{**turn, "over": True} for turn in state.recalled]
    return update | coverage.update
