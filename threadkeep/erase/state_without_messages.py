"""Remove messages, and all that rests on them, from the working state of a thread."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from threadkeep.base.tokens import count_text
from threadkeep.erase.remove_messages import Entry, Value
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.recalled_turns import without_ids

MIN_EXTRACT_TOKENS = 60


def state_without_messages(
    values: Mapping[str, Any], branch: Sequence[Entry], erased: Set[str]
) -> Value:
    """Return the update of a state that removes messages.

    `branch` are the stored messages of the state's branch. A summary that covers an erased message
    is replaced by sentences quoted from the other messages; the next compaction extends those, as
    it does without a summary.
    """
    messages: list[AnyMessage] = list(values.get("messages") or ())
    order = [key for key, _ in branch]
    order += [str(message.id) for message in messages if str(message.id) not in set(order)]
    remaining = [entry for entry in branch if entry[0] not in erased]
    stored_through = str(values.get("stored_through") or "")
    update: Value = {
        "messages": [
            RemoveMessage(id=REMOVE_ALL_MESSAGES),
            *(message for message in messages if message.id not in erased),
        ],
        "stored": len(remaining),
        "stored_through": _last_remaining(order, erased, stored_through),
        "facts_through": _last_remaining(order, erased, str(values.get("facts_through") or "")),
        "pins": [pin for pin in values.get("pins") or () if pin["message"] not in erased],
        "recalled": without_ids(values.get("recalled") or (), erased),
    }
    covered = _covered_ids(values, order)
    if covered & erased:
        update |= _extract(values, remaining, messages, covered - erased, order)
    return update


def _covered_ids(values: Mapping[str, Any], order: Sequence[str]) -> set[str]:
    """Return the ids of the messages that the summary or the quoted sentences cover."""
    ends = [str(values.get(name) or "") for name in ("summarized_through", "extracted_through")]
    last = max((order.index(end) for end in ends if end in order), default=-1)
    return set(order[: last + 1])


def _extract(
    values: Mapping[str, Any],
    remaining: Sequence[Entry],
    messages: Sequence[BaseMessage],
    covered: Set[str],
    order: Sequence[str],
) -> Value:
    """Return the channels of a state whose covered messages are quoted instead of summarised."""
    by_id = {key: _message(key, value) for key, value in remaining}
    by_id |= {str(message.id): message for message in messages}
    quoted = [by_id[key] for key in order if key in covered and key in by_id]
    tokens = sum(count_text(str(values.get(name) or "")) for name in ("summary", "extract"))
    limit = max(MIN_EXTRACT_TOKENS, tokens)
    return {
        "summary": "",
        "summarized_through": "",
        "extract": summarize("", quoted, limit) if quoted else "",
        "extracted_through": next((key for key in reversed(order) if key in covered), ""),
    }


def _message(id_: str, value: Value) -> BaseMessage:
    text, name = str(value.get("text") or ""), value.get("name")
    if value.get("role") == "user":
        return HumanMessage(text, id=id_, name=name)
    return AIMessage(text, id=id_, name=name)


def _last_remaining(order: Sequence[str], erased: Set[str], message: str) -> str:
    """Return a message, or the last one before it that remains."""
    if message not in erased:
        return message
    place = order.index(message) if message in order else 0
    return next((key for key in reversed(order[:place]) if key not in erased), "")
