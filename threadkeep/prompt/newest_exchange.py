"""Fit the newest exchange, which every prompt shows, into what is left of the budget."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage

from threadkeep.base.message_text import text_of
from threadkeep.base.tokens import count_message, cut_middle
from threadkeep.prompt.exchanges import Exchange, newest_user_message, split_steps
from threadkeep.prompt.memory_blocks import MemoryBlocks, trim_blocks


def fit_newest(
    exchange: Exchange, blocks: MemoryBlocks, budget: int
) -> tuple[Exchange, MemoryBlocks]:
    """Return the newest exchange within `budget`, and the memory blocks that still fit.

    The worst memories go first, then the oldest answers; at last the question is cut in the
    middle.
    """
    size = sum(map(count_message, exchange))
    fitting = trim_blocks(blocks, exchange, budget - size)
    question = newest_user_message(exchange)
    if size <= budget or question is None:
        return exchange, fitting
    question_size = count_message(question)
    if question_size > budget:
        empty = question.model_copy(update={"content": ""})
        words = cut_middle(text_of(question), max(1, budget - count_message(empty)))
        return [question.model_copy(update={"content": words})], fitting
    answers = [message for message in exchange if message is not question]
    return [question, *_newest_steps(answers, budget - question_size)], fitting


def _newest_steps(messages: Sequence[AnyMessage], budget: int) -> list[AnyMessage]:
    """Return the newest answers within `budget`, each call with its results."""
    fitting: list[list[AnyMessage]] = []
    for step in reversed(split_steps(messages)):
        budget -= sum(map(count_message, step))
        if budget < 0:
            break
        fitting.append(step)
    return [message for step in reversed(fitting) for message in step]
