"""Fit the newest exchange, which every prompt shows, into what is left of the budget."""

from itertools import chain

from threadkeep.base.tokens import count_message
from threadkeep.prompt.exchanges import Exchange, newest_user_message, split_steps
from threadkeep.prompt.large_messages import MIN_SHARE, even_level, fit_evenly
from threadkeep.prompt.memory_blocks import MemoryBlocks, trim_blocks


def fit_newest(
    exchange: Exchange, blocks: MemoryBlocks, budget: int
) -> tuple[Exchange, MemoryBlocks]:
    """Return the newest exchange within `budget`, and the memory blocks that still fit.

    The worst memories go first; then the largest messages are cut in the middle, all to one size.
    The oldest answers go only if more large ones than `MIN_SHARE` would share the budget.
    """
    size = sum(map(count_message, exchange))
    fitting = trim_blocks(blocks, exchange, budget - size)
    question = newest_user_message(exchange)
    if size <= budget or question is None:
        return exchange, fitting
    steps = split_steps(message for message in exchange if message is not question)
    while steps and not _fits([question, *chain(*steps)], budget):
        steps.pop(0)
    messages: Exchange = [question, *chain(*steps)]
    return fit_evenly(messages, max(budget, 1)), fitting


def _fits(messages: Exchange, budget: int) -> bool:
    """Return whether the messages fit, and none has to be cut to less than its least share."""
    sizes = [count_message(message) for message in messages]
    if even_level(sizes, budget) < min(max(sizes), budget // MIN_SHARE):
        return False
    return sum(map(count_message, fit_evenly(messages, budget))) <= budget
