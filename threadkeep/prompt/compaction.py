"""Compaction: which messages are due for the summary, and what covers messages without one."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage

from threadkeep.base.tokens import count_message
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.prompt.coverage import Coverage, messages_before
from threadkeep.prompt.exchanges import Exchange, split_exchanges
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.system_messages import without_system
from threadkeep.prompt.valid_messages import valid_messages
from threadkeep.prompt.visible_history import out_of_reach
from threadkeep.prompt.window import Window

MAX_BACKLOG = 4
"""Prompts full of messages that may wait for a summary that keeps failing."""
RECALLED_PARTS = ("pinned", "entities", "facts", "memories")
"""Parts of the ledger that take room beside the messages."""


def due_messages(state: State, window: Window, context: Context) -> list[AnyMessage]:
    """Return the messages to summarise: those only quoted so far, and those due for a summary."""
    coverage = Coverage.of(state)
    exchanges = split_exchanges(valid_messages(coverage.uncovered(state.messages)))
    if not exchanges:
        return []
    recalled = sum(int(state.ledger.get(part) or 0) for part in RECALLED_PARTS)
    memories = int(recalled / window.ratio)
    due = due_for_summary(exchanges, window, memories, keep_one=context.memory == "summary")
    unsummarized = without_system(coverage.unsummarized(state.messages))
    return messages_before(unsummarized, exchanges[due][0].id)


def due_for_summary(
    exchanges: Sequence[Exchange], window: Window, memories: int, *, keep_one: bool
) -> int:
    """Return how many of the oldest exchanges are due: 0 up to the high watermark.

    `memories` are the tokens of memory blocks. The newest exchange is never due; with `keep_one`
    all others are.
    """
    if keep_one:
        return max(0, len(exchanges) - 1)
    sizes = [sum(map(count_message, exchange)) for exchange in exchanges]
    total = sum(sizes)
    if total + memories <= window.high:
        return 0
    due = 0
    while due < len(exchanges) - 1 and total > window.low:
        total -= sizes[due]
        due += 1
    return due


def cover_out_of_reach(state: State, context: Context, window: Window) -> Update:
    """Quote from messages that this preset never shows again, so that another preset can."""
    coverage = Coverage.of(state)
    uncovered = {message.id for message in coverage.uncovered(state.messages)}
    messages = without_system(out_of_reach(state, context, window))
    messages = [message for message in messages if message.id in uncovered]
    return coverage.extend_extract(messages, window).update if messages else {}


def cover_backlog(state: State, window: Window) -> Update:
    """Put quotations into the summary if far too many messages wait for one; else change nothing.

    The next summary extends them.
    """
    coverage = Coverage.of(state)
    uncovered = without_system(coverage.uncovered(state.messages))
    first_id = uncovered[0].id if uncovered else None
    waiting = messages_before(without_system(coverage.unsummarized(state.messages)), first_id)
    if sum(map(count_message, waiting)) <= MAX_BACKLOG * window.prompt:
        return {}
    quoted = summarize(f"{coverage.summary}\n{coverage.extract}", (), window.prose)
    return coverage.extend_summary(quoted, waiting, uncovered, window).update
