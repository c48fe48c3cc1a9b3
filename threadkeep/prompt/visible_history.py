"""Which messages a preset may show, and which ones it will never show again."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage

from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.prompt.coverage import Coverage
from threadkeep.prompt.exchanges import Exchange, split_exchanges, starts_with_user
from threadkeep.prompt.large_messages import shorten_oversized
from threadkeep.prompt.memory_blocks import MemoryBlocks, exchange_tokens
from threadkeep.prompt.system_messages import prunable
from threadkeep.prompt.valid_messages import valid_messages
from threadkeep.prompt.window import Window, window_of

UNLIMITED = 1_000_000


def visible_exchanges(state: State, coverage: Coverage, context: Context) -> list[Exchange]:
    """Return the exchanges that the preset may show, with valid messages."""
    messages = coverage.uncovered(state.messages) if context.summarizes else state.messages
    exchanges = split_exchanges(valid_messages(messages))
    from_user = [exchange for exchange in exchanges if starts_with_user(exchange)]
    # The newest question is shown even when a summary or extract covers it.
    from_user = from_user or split_exchanges(valid_messages(state.messages))[-1:]
    return exchanges if context.summarizes and any(map(starts_with_user, exchanges)) else from_user


def max_exchanges(context: Context) -> int:
    """Return how many exchanges the preset shows at most, the unanswered one included."""
    if context.memory in ("window", "entity", "graph"):
        return context.window + 1
    return 2 if context.memory == "vector" else UNLIMITED


def history_limit(context: Context, room: int) -> int:
    """Return how many tokens of messages the preset may show, at most `room`."""
    return min(room, context.history_tokens) if context.memory == "tokens" else room


def newest_within(
    exchanges: Sequence[Exchange], blocks: MemoryBlocks, budget: int
) -> list[Exchange]:
    """Return the newest exchanges that fit with their memories; the last one in any case."""
    fitting: list[Exchange] = []
    for exchange in reversed(exchanges):
        budget -= exchange_tokens(exchange, blocks)
        if fitting and budget < 0:
            break
        fitting.append(exchange)
    return fitting[::-1]


def out_of_reach(state: State, context: Context, window: Window | None = None) -> list[AnyMessage]:
    """Return the oldest messages that a preset without a summary will not show again."""
    exchanges = split_exchanges(state.messages)
    window = window or window_of(context)
    limit = history_limit(context, window.history)
    shortened = shorten_oversized(exchanges[-max_exchanges(context) :], limit)
    visible = newest_within(shortened, MemoryBlocks(), limit)
    return [
        message for exchange in exchanges[: len(exchanges) - len(visible)] for message in exchange
    ]


def prunable_messages(
    state: State, context: Context, window: Window | None = None
) -> list[AnyMessage]:
    """Return the messages that may leave the state: covered, and not shown again by the preset.

    System messages stay.
    """
    coverage = Coverage.of(state)
    if context.summarizes:
        unsummarized = coverage.unsummarized(state.messages)
        return prunable(state.messages[: len(state.messages) - len(unsummarized)])
    covered = len(state.messages) - len(coverage.uncovered(state.messages))
    return prunable(out_of_reach(state, context, window)[:covered])
