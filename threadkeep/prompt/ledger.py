"""The ledger: what filled the window, what the provider reported, and what a call is billed."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, AnyMessage

from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import apply_ratio, count_message, count_messages, count_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import Ledger
from threadkeep.prompt.exchanges import is_offline_reply
from threadkeep.prompt.window import PRIMING, Window
from threadkeep.stores.usage import Usage

PARTS = ("system", "pinned", "summary", "entities", "facts", "memories", "recent", "newest")
LINE_OVERHEAD = 2
"""Tokens of a line of the memory block beside its words."""


@dataclass(frozen=True, kw_only=True)
class PromptParts:
    """A prompt, and the parts that it is made of."""

    system: AnyMessage
    pinned: Sequence[AnyMessage]
    summary: Sequence[AnyMessage]
    recent: Sequence[AnyMessage]
    newest: Sequence[AnyMessage]
    memories: Sequence[Sequence[RecalledItem]]
    prompt: Sequence[AnyMessage]


def ledger_of(parts: PromptParts, context: Context, window: Window) -> Ledger:
    """Return the tokens by part; with `reserve` and `free` they add up to `limit`.

    The figures estimate the provider's tokens: the tokens counted here times the model's ratio.
    """
    counted = count_messages(parts.prompt)
    sizes = {
        "system": count_message(parts.system) + PRIMING,
        "pinned": sum(map(count_message, parts.pinned)),
        "summary": sum(map(count_message, parts.summary)),
        "recent": sum(map(count_message, parts.recent)),
        "newest": sum(map(count_message, parts.newest)),
    }
    sizes |= _sizes_by_kind(counted - sum(sizes.values()), parts.memories)
    scaled = _scale([sizes[name] for name in PARTS], window.ratio)
    used = sum(scaled)
    return {
        **dict(zip(PARTS, scaled, strict=True)),
        "prompt": used,
        "reserve": context.reserve_tokens,
        "free": context.prompt_tokens - used,
        "limit": context.max_tokens,
        "counted": counted,
    }


def shortened_entry(originals: Sequence[Sequence[AnyMessage]], parts: PromptParts) -> Ledger:
    """Return how many messages of the prompt are cut, and how many tokens of them are left out.

    `originals` are the exchanges before they were cut; what has left the newest one counts too.
    Empty if all messages are whole.
    """
    in_prompt = {message.id: message for message in (*parts.recent, *parts.newest)}
    whole = [message for exchange in originals for message in exchange if message.id in in_prompt]
    missing = [message for message in originals[-1] if message.id not in in_prompt]
    cut = [message for message in whole if in_prompt[message.id] is not message]
    if not (cut or missing):
        return {}
    omitted = sum(map(count_message, (*cut, *missing)))
    omitted -= sum(count_message(in_prompt[message.id]) for message in cut)
    return {"shortened": {"messages": len(cut) + len(missing), "tokens": omitted}}


def reply_entries(reply: AIMessage, model: str, *, exact: bool) -> Ledger:
    """Return the ledger entries of a reply: its size, the model, what the provider reported.

    Unless `exact`, the figures that the provider did not report are estimates.
    """
    entries: Ledger = {"model": model, "exact": exact, "reply": count_message(reply)}
    if reported := reported_tokens(reply):
        entries["reported"] = reported
    return entries


def reported_tokens(reply: AIMessage) -> dict[str, int]:
    """Return the provider's own figures; empty if it reported none."""
    usage = reply.usage_metadata
    # The offline model has no provider: its figures are guesses.
    if not usage or is_offline_reply(reply):
        return {}
    cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
    return {"prompt": usage["input_tokens"], "reply": usage["output_tokens"], "cached": cached}


def usage_of(prompt: int, reply: AIMessage) -> Usage:
    """Return the usage of one call: as reported, or else `prompt` and the tokens of the reply."""
    if reported := reported_tokens(reply):
        return Usage(
            calls=1,
            prompt=reported["prompt"],
            reply=reported["reply"],
            cached=reported["cached"],
            estimated=0,
        )
    return Usage(calls=1, prompt=prompt, reply=count_message(reply), cached=0, estimated=1)


def _sizes_by_kind(tokens: int, blocks: Sequence[Sequence[RecalledItem]]) -> dict[str, int]:
    """Divide the tokens of memory blocks by kind; the last kind present takes the fences too."""
    kinds = {"entity": 0, "fact": 0, "message": 0}
    for item in (item for block in blocks for item in block):
        kinds[item["kind"]] += count_text(item["text"]) + LINE_OVERHEAD
    names = {"entity": "entities", "fact": "facts", "message": "memories"}
    present = [kind for kind, size in kinds.items() if size] or ["message"]
    sizes = dict.fromkeys(names.values(), 0)
    for kind in present[:-1]:
        sizes[names[kind]] = min(kinds[kind], tokens)
        tokens -= sizes[names[kind]]
    sizes[names[present[-1]]] = tokens
    return sizes


def _scale(sizes: Sequence[int], ratio: float) -> list[int]:
    """Return the sizes times `ratio`, rounded so that they add up to the rounded total."""
    scaled, total, before = [], 0, 0
    for size in sizes:
        total += size
        scaled_total = apply_ratio(total, ratio)
        scaled.append(scaled_total - before)
        before = scaled_total
    return scaled
