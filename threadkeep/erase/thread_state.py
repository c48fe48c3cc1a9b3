"""A thread's working state without messages that are forgotten, and without what rests on them."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from threadkeep.base.tokens import count_text
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.recalled_turns import without_ids

Value = dict[str, Any]
LEAST_TOKENS = 60


def without_messages(
    values: Mapping[str, Any], way: Sequence[tuple[str, Value]], gone: Set[str]
) -> Value:
    """Return the changes that make a state one in which the messages `gone` were never said.

    `way` are the stored messages, by id, on the branch that the state stands on. A summary that
    covers one of them is made again of sentences that are quoted from the others: the next
    compaction extends those, as it does whenever there is no summary yet.
    """
    messages: list[AnyMessage] = list(values.get("messages") or ())
    kept = [message for message in messages if message.id not in gone]
    order = [each for each, _ in way]
    order += [str(m.id) for m in messages if str(m.id) not in set(order)]
    stays = [(each, value) for each, value in way if each not in gone]
    changes: Value = {
        "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept],
        "stored": len(stays),
        "stored_through": _nearest(order, gone, str(values.get("stored_through") or "")),
        "pins": [pin for pin in values.get("pins") or () if pin["message"] not in gone],
        "recalled": without_ids(values.get("recalled") or (), gone),
    }
    covered = _covered(values, order)
    if covered & gone:
        changes |= _quoted(values, stays, messages, covered - gone, order)
    return changes


def _covered(values: Mapping[str, Any], order: Sequence[str]) -> set[str]:
    """Return the ids of the messages that summary or quoted sentences stand in for."""
    ends = [str(values.get(name) or "") for name in ("summarized_through", "extracted_through")]
    last = max((order.index(each) for each in ends if each in order), default=-1)
    return set(order[: last + 1])


def _quoted(
    values: Mapping[str, Any],
    stays: Sequence[tuple[str, Value]],
    messages: Sequence[BaseMessage],
    covered: Set[str],
    order: Sequence[str],
) -> Value:
    said = {each: _message(each, value) for each, value in stays}
    said |= {str(message.id): message for message in messages}
    tokens = sum(count_text(str(values.get(name) or "")) for name in ("summary", "extract"))
    told = [said[each] for each in order if each in covered and each in said]
    last = next((each for each in reversed(order) if each in covered), "")
    return {
        "summary": "",
        "summarized_through": "",
        "extract": summarize("", told, max(LEAST_TOKENS, tokens)) if told else "",
        "extracted_through": last,
    }


def _message(message: str, value: Value) -> BaseMessage:
    text, name = str(value.get("text") or ""), value.get("name")
    if value.get("role") == "user":
        return HumanMessage(text, id=message, name=name)
    return AIMessage(text, id=message, name=name)


def _nearest(order: Sequence[str], gone: Set[str], through: str) -> str:
    """Return the message that a pointer names, or the last one before it that stays."""
    if through not in gone:
        return through
    at = order.index(through) if through in order else 0
    return next((each for each in reversed(order[:at]) if each not in gone), "")
