"""Token counts of prompts: exact for OpenAI models since gpt-4o, estimates for others."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import ceil, isfinite
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from threadkeep.base.media import media_of
from threadkeep.base.token_encoding import decode, encode
from threadkeep.base.token_encoding import warm as warm

# OpenAI's published rule for chat messages (cookbook, "How to count tokens"): 3 tokens frame a
# message, 1 more precedes a name, and 3 open the reply.
MESSAGE_OVERHEAD = 3
NAME_OVERHEAD = 1
PRIMING = 3
# Frames of tool calls and of the tool list are not published: these are upper estimates.
TOOL_CALL_OVERHEAD = 8
TOOLS_OVERHEAD = 12

MARKER = " […] "
SIZED_MARKER = " [… {:,} tokens left out …] "
MIN_SIZED_CUT = 40
"""Tokens of a shortened text from which its marker says how many were left out."""
ROLES = {"human": "user", "ai": "assistant"}
CACHE_SIZE = 8_192
SHORT = 1_000
"""Characters; counts of texts up to this length are cached, since they recur in every turn."""

# First match wins; gpt-4 itself and gpt-3.5 use the older cl100k_base.
_O200K_MODEL = re.compile(r"(ft:)?(gpt-4o|chatgpt-4o|gpt-4\.[1-9]|gpt-[5-9]|o[1-9](-|$))")

_CUT = re.compile(r"\[…(?: [\d,]+ tokens left out …)?\]")

_counts: dict[tuple[str | None, int], int] = {}


def count_text(text: str) -> int:
    """Return the number of tokens in `text`."""
    return _count_short(text) if len(text) <= SHORT else len(encode(text))


def count_message(message: BaseMessage) -> int:
    """Return the tokens of `message` in a prompt, its frame included. Cached."""
    key = (message.id, hash(_content_key(message)))
    count = _counts.get(key)
    if count is None:
        count = _count(message)
        if len(_counts) >= CACHE_SIZE:
            _counts.clear()
        _counts[key] = count
    return count


def count_messages(messages: Iterable[BaseMessage]) -> int:
    """Return the tokens of a prompt of `messages`, the opening of the reply included."""
    return PRIMING + sum(count_message(message) for message in messages)


def count_tools(schemas: Sequence[Mapping[str, Any]]) -> int:
    """Return an upper estimate of the tokens of tool schemas in a prompt."""
    return TOOLS_OVERHEAD + sum(count_text(_json(schema)) for schema in schemas) if schemas else 0


def cut_middle(text: str, max_tokens: int, *, tells_size: bool = False) -> str:
    """Return `text` cut to `max_tokens` in its middle; empty if nothing fits.

    With `tells_size` the marker says how many tokens are left out, where there is room for it.
    """
    tokens = encode(text)
    if len(tokens) <= max_tokens:
        return text
    marker = MARKER
    if tells_size and max_tokens >= MIN_SIZED_CUT:
        marker = SIZED_MARKER.format(len(tokens) - max_tokens)
    budget = max_tokens - count_text(marker)
    while budget > 0:
        head, tail = tokens[: ceil(budget / 2)], tokens[len(tokens) - budget // 2 :]
        shortened = decode(head) + marker + decode(tail)
        excess = count_text(shortened) - max_tokens
        if excess <= 0:
            return shortened
        budget -= excess
    return MARKER.strip() if count_text(MARKER.strip()) <= max_tokens else ""


def is_cut(text: str) -> bool:
    """Return whether `cut_middle` has left out a part of a text."""
    return bool(_CUT.search(text))


def exact_for(model_name: str) -> bool:
    """Return whether the model uses o200k_base; for other models counts are estimates."""
    return bool(_O200K_MODEL.match(model_name.removeprefix("openai/")))


Ratio = dict[str, float]
"""Model name -> tokens reported by the provider per token counted here. Plain JSON."""
LOWEST_RATIO, HIGHEST_RATIO = 0.5, 2.0
NEWEST_WEIGHT = 0.3
FULL_WEIGHT_AT = 1_000
"""Counted tokens from which a report has full weight; in short prompts the frame dominates."""
MAX_RATIOS = 16


def learn_ratio(ratio: Ratio, model_name: str, counted: int, reported: int) -> Ratio:
    """Return `ratio` moved towards the provider's report.

    Reports below half of the count are ignored: some servers report only uncached tokens.
    """
    if counted <= 0 or reported < LOWEST_RATIO * counted:
        return ratio
    before = ratio_of(ratio, model_name)
    weight = NEWEST_WEIGHT * min(1.0, counted / FULL_WEIGHT_AT)
    learned = before + weight * (_bounded(reported / counted) - before)
    rest = [(name, value) for name, value in ratio.items() if name != model_name]
    return {**dict(rest[1 - MAX_RATIOS :]), model_name: learned}


def ratio_of(ratio: Ratio, model_name: str) -> float:
    """Return the ratio of a model, always within bounds; 1 if unknown or invalid."""
    value = ratio.get(model_name, 1.0)
    return _bounded(value) if isinstance(value, int | float) and isfinite(value) else 1.0


def apply_ratio(counted: int, ratio: float) -> int:
    """Convert a count to the provider's tokens, rounded up."""
    return ceil(round(counted * ratio, 6))


@lru_cache(maxsize=CACHE_SIZE)
def _count_short(text: str) -> int:
    return len(encode(text)) if text else 0


def _bounded(value: float) -> float:
    return min(HIGHEST_RATIO, max(LOWEST_RATIO, value))


def _content_key(message: BaseMessage) -> tuple[object, ...]:
    content = message.content
    # Strings are kept, since they remember their hash.
    content_key = content if isinstance(content, str) else _frozen(content)
    calls = message.tool_calls if isinstance(message, AIMessage) else None
    return (
        message.type,
        message.name,
        content_key,
        repr(calls) if calls else "",
        message.tool_call_id if isinstance(message, ToolMessage) else "",
    )


def _frozen(value: object, depth: int = 4) -> object:
    """Return a value that can be hashed."""
    if depth and isinstance(value, dict):
        return tuple((key, _frozen(item, depth - 1)) for key, item in value.items())
    if depth and isinstance(value, list | tuple):
        return tuple(_frozen(item, depth - 1) for item in value)
    return value if isinstance(value, str | bytes) else repr(value)


def _count(message: BaseMessage) -> int:
    total = MESSAGE_OVERHEAD + count_text(ROLES.get(message.type, message.type))
    if message.name:
        total += NAME_OVERHEAD + count_text(message.name)
    if isinstance(message, ToolMessage):
        total += count_text(message.tool_call_id)
    if isinstance(message, AIMessage):
        for call in (*message.tool_calls, *message.invalid_tool_calls):
            args = call["args"] if isinstance(call["args"], str) else _json(call["args"])
            parts = (call["id"] or "", call["name"] or "", args)
            total += TOOL_CALL_OVERHEAD + sum(map(count_text, parts))
    if isinstance(message.content, str):
        return total + count_text(message.content)
    return total + sum(_count_block(block) for block in message.content)


def _count_block(block: object) -> int:
    """Return the tokens of a content block; an unknown type counts as its JSON."""
    if isinstance(block, str):
        return count_text(block)
    if not isinstance(block, dict):
        return count_text(repr(block))
    if isinstance(block.get("text"), str):
        return count_text(block["text"])
    if media := media_of(block):
        return media.tokens
    if block.get("type") in ("tool_use", "tool_call", "tool_call_chunk"):
        return 0  # Counted in `tool_calls`.
    return count_text(_json(block))


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
