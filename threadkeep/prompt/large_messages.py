"""Shorten messages that are too large for the prompt: the middle of each text is left out.

A call keeps its results, and a marker says how many tokens are left out. The whole text stays in
the state and the store.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall

from threadkeep.base.media import media_of
from threadkeep.base.message_text import as_json
from threadkeep.base.tokens import count_message, count_text, cut_middle
from threadkeep.prompt.exchanges import Exchange

OVERSIZED_SHARE = 0.5
"""Share of the history's tokens that is left of an older exchange which alone exceeds it."""
MIN_SHARE = 8
"""The newest exchange shows its newest steps, of so many large messages at most."""
WORDS_BESIDE_MEDIA = 40
"""Tokens that pictures leave for the words of their message."""
TRIES = 6

Cut = Callable[[str], str]


def shorten_oversized(exchanges: Sequence[Exchange], history: int) -> list[Exchange]:
    """Return the exchanges; older ones that exceed `history` tokens by themselves are shortened.

    The newest is fitted into what the prompt has left, see `fit_newest`.
    """
    largest = int(history * OVERSIZED_SHARE)
    return [
        fit_evenly(exchange, largest) if sum(map(count_message, exchange)) > history else exchange
        for exchange in exchanges[:-1]
    ] + list(exchanges[-1:])


def fit_evenly(messages: Sequence[AnyMessage], budget: int) -> list[AnyMessage]:
    """Return the messages within `budget` tokens, the largest of them shortened.

    They exceed it if their frames alone do.
    """
    level = even_level([count_message(message) for message in messages], budget)
    return [shortened(message, level) for message in messages]


def even_level(sizes: Sequence[int], budget: int) -> int:
    """Return the size to which the largest of `sizes` shrink so that all add up to `budget`."""
    rest = sorted(sizes)
    while rest and rest[0] * len(rest) <= budget:
        budget -= rest.pop(0)
    return max(0, budget // len(rest)) if rest else max(sizes, default=0)


def shortened(message: AnyMessage, max_tokens: int) -> AnyMessage:
    """Return the message cut to `max_tokens`; itself if it fits.

    Pictures and files that do not fit become words, then texts and arguments are cut in their
    middle.
    """
    if count_message(message) <= max_tokens:
        return message
    message = _with_media_within(message, max_tokens)
    excess, level = count_message(message) - max_tokens, max_tokens
    if excess <= 0:
        return message
    sizes = [count_text(text) for text in _texts(message)]
    budget = sum(sizes) - excess
    for _ in range(TRIES):
        level = even_level(sizes, budget)
        new = _with_texts_cut(message, partial(_cut_to, level))
        excess = count_message(new) - max_tokens
        if excess <= 0 or budget <= 0:
            break
        budget -= excess
    return new


@lru_cache(maxsize=32)
def _cut_to(max_tokens: int, text: str) -> str:
    return cut_middle(text, max_tokens, tells_size=True)


def _texts(message: AnyMessage) -> list[str]:
    """Return the texts of a message that can be cut."""
    texts: list[str] = []

    def collect(text: str) -> str:
        texts.append(text)
        return text

    _with_texts_cut(message, collect)
    return texts


def _with_texts_cut(message: AnyMessage, cut: Cut) -> AnyMessage:
    """Return the message with each of its texts cut: contents, and the arguments of its calls."""
    change: dict[str, Any] = {}
    if isinstance(message.content, str):
        change["content"] = cut(message.content)
    else:
        change["content"] = [_block_cut(block, cut) for block in message.content]
    if isinstance(message, AIMessage) and message.tool_calls:
        change["tool_calls"] = [_call_cut(call, cut) for call in message.tool_calls]
    return message.model_copy(update=change)


def _block_cut(block: Any, cut: Cut) -> Any:
    if isinstance(block, str):
        return cut(block)
    is_text = isinstance(block, dict) and isinstance(block.get("text"), str)
    return {**block, "text": cut(block["text"])} if is_text else block


def _call_cut(call: ToolCall, cut: Cut) -> ToolCall:
    """Return a call whose arguments are cut: one long string as it is, others as JSON."""
    text = as_json(call["args"])
    shorter = cut(text)
    if shorter == text:
        return call
    strings = [name for name, value in call["args"].items() if isinstance(value, str)]
    largest = max(strings, key=lambda name: len(call["args"][name]), default=None)
    if largest is not None and 2 * len(call["args"][largest]) > len(text):
        others = count_text(as_json({**call["args"], largest: ""}))
        value = _cut_to(max(0, count_text(shorter) - others), call["args"][largest])
        return {**call, "args": {**call["args"], largest: value}}
    return {**call, "args": {"arguments": shorter}}


def _with_media_within(message: AnyMessage, max_tokens: int) -> AnyMessage:
    """Return a user's message with words for its first pictures and files, until the rest fit."""
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return message
    media = [media_of(block) for block in message.content]
    tokens = sum(item.tokens for item in media if item)
    blocks: list[Any] = []
    for block, item in zip(message.content, media, strict=True):
        if item and tokens > max_tokens - WORDS_BESIDE_MEDIA:
            tokens -= item.tokens
            blocks.append({"type": "text", "text": item.label})
        else:
            blocks.append(block)
    return message.model_copy(update={"content": blocks})
