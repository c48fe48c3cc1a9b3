"""The ledger: what filled the window, what the provider reported, and who is billed for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, AnyMessage

from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import apply_ratio, count_message, count_messages, count_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import Ledger
from threadkeep.prompt.window import PRIMING, Window
from threadkeep.stores.usage import Usage

PARTS = ("system", "pinned", "summary", "entities", "facts", "memories", "recent", "newest")
LINE = 2
"""Tokens that a line of the memory block costs beside its words."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A prompt, and the parts that it was put together from."""

    system: AnyMessage
    pinned: Sequence[AnyMessage]
    summary: Sequence[AnyMessage]
    recent: Sequence[AnyMessage]
    newest: Sequence[AnyMessage]
    memories: Sequence[Sequence[RecalledItem]]
    prompt: Sequence[AnyMessage]


def ledger_of(shown: Shown, context: Context, window: Window) -> Ledger:
    """Return the tokens by part; with reserve and free they add up to the limit.

    They are the provider's tokens as far as is known: counted ones times the model's ratio.
    """
    counted = count_messages(shown.prompt)
    parts = {
        "system": count_message(shown.system) + PRIMING,
        "pinned": sum(map(count_message, shown.pinned)),
        "summary": sum(map(count_message, shown.summary)),
        "recent": sum(map(count_message, shown.recent)),
        "newest": sum(map(count_message, shown.newest)),
    }
    parts |= _recalled(counted - sum(parts.values()), shown.memories)
    scaled = _scaled([parts[name] for name in PARTS], window.ratio)
    used = sum(scaled)
    return {
        **dict(zip(PARTS, scaled, strict=True)),
        "prompt": used,
        "reserve": context.reserve_tokens,
        "free": context.prompt_tokens - used,
        "limit": context.max_tokens,
        "counted": counted,
    }


def with_reply(reply: AIMessage, model: str, *, exact: bool) -> Ledger:
    """Return what a reply adds to the ledger: its size, the model, what the provider reported.

    Where `exact` is false, all other figures are estimates.
    """
    told: Ledger = {"model": model, "exact": exact, "reply": count_message(reply)}
    if reported := reported_by(reply):
        told["reported"] = reported
    return told


def reported_by(reply: AIMessage) -> dict[str, int]:
    """Return the provider's own figures, or nothing where it gave none."""
    usage = reply.usage_metadata
    # The offline model has no provider: its figures are guesses.
    if not usage or reply.response_metadata.get("model_name") == "offline":
        return {}
    cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
    return {"prompt": usage["input_tokens"], "reply": usage["output_tokens"], "cached": cached}


def usage_of(prompt: int, reply: AIMessage) -> Usage:
    """Return what one call is billed: as reported, else `prompt` tokens and the reply's count."""
    if told := reported_by(reply):
        given, made, cached = told["prompt"], told["reply"], told["cached"]
        return Usage(calls=1, prompt=given, reply=made, cached=cached, estimated=0)
    return Usage(calls=1, prompt=prompt, reply=count_message(reply), cached=0, estimated=1)


def _recalled(tokens: int, blocks: Sequence[Sequence[RecalledItem]]) -> dict[str, int]:
    """Divide what memory blocks take by kind; their fences count for the last kind there is."""
    kinds = {"entity": 0, "fact": 0, "message": 0}
    for memory in (memory for block in blocks for memory in block):
        kinds[memory["kind"]] += count_text(memory["text"]) + LINE
    names = {"entity": "entities", "fact": "facts", "message": "memories"}
    present = [kind for kind, size in kinds.items() if size] or ["message"]
    divided = dict.fromkeys(names.values(), 0)
    for kind in present[:-1]:
        divided[names[kind]] = min(kinds[kind], tokens)
        tokens -= divided[names[kind]]
    divided[names[present[-1]]] = tokens
    return divided


def _scaled(parts: Sequence[int], ratio: float) -> list[int]:
    """Return the parts times `ratio`, rounded so that their sum is the rounded sum."""
    scaled, total, before = [], 0, 0
    for part in parts:
        total += part
        now = apply_ratio(total, ratio)
        scaled.append(now - before)
        before = now
    return scaled
