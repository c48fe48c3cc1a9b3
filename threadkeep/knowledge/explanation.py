"""Explain the newest answer of a thread: which memories the prompt held, and their sources.

The state holds places and scores; the text is read from the store, so that corrections and
erasures take effect here too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.store.base import BaseStore, Item
from typing_extensions import TypedDict

from threadkeep.base.errors import BadInput
from threadkeep.base.fact_time import is_outdated
from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.graph.state import Ledger, State
from threadkeep.prompt.exchanges import newest_user_message, split_exchanges
from threadkeep.prompt.recalled_turns import (
    RecalledRecord,
    read_ops,
    recalled_item,
    recalled_records,
    thread_names,
)
from threadkeep.stores.memory_ids import find_messages


class Source(TypedDict):
    """A message that an entity or a fact comes from."""

    id: str
    text: str
    speaker: str
    time: str
    thread: str


class Reason(RecalledItem):
    """A memory in the prompt of the answer."""

    pinned: bool
    earlier: bool
    """Whether it was recalled for an earlier turn."""
    outdated: NotRequired[bool]
    """Whether it is superseded now."""
    corrected: NotRequired[str]
    """When its wording was corrected, ISO 8601."""
    sources: NotRequired[list[Source]]


class Explanation(TypedDict):
    """What an answer rests on."""

    thread: str
    question: str
    answer: str
    model: str
    time: str
    memories: list[Reason]
    gone: int
    """Number of memories in the prompt that no longer exist."""
    summary: str
    """What covers older messages of the thread now."""
    summary_changed: bool
    """Whether the summary was extended after the answer."""
    tokens: Ledger


async def explain(store: BaseStore, owner: str, state: State, name: str) -> Explanation:
    """Return the explanation of the newest answer of the thread `name`.

    Raises:
        BadInput: the thread has no answer yet.
    """
    question, answer = _newest_exchange(state.messages)
    if answer is None:
        raise BadInput(f"Thread {name!r} has no answer yet; send a message first.")
    results = await store.abatch(read_ops(owner, state.recalled))
    records = recalled_records(state.recalled, results, outdated=True)
    recalled = sum(len(turn["places"]) for turn in state.recalled)
    summary = [state.summary, state.extract, *(passage["text"] for passage in state.pins)]
    question_id = str(question.id) if question else ""
    return {
        "thread": name,
        "question": text_with_tool_calls(question) if question else "",
        "answer": text_with_tool_calls(answer),
        "model": str(state.ledger.get("model") or ""),
        "time": state.turn_at,
        "memories": await _reasons(store, owner, records, question_id),
        "gone": recalled - len(records),
        "summary": "\n".join(part for part in summary if part),
        "summary_changed": any(turn.get("over") for turn in state.recalled),
        "tokens": state.ledger,
    }


def _newest_exchange(
    messages: Sequence[AnyMessage],
) -> tuple[AnyMessage | None, AnyMessage | None]:
    """Return the newest answer with its question."""
    for exchange in reversed(split_exchanges(messages)):
        answers = [message for message in exchange if isinstance(message, AIMessage)]
        if answers:
            return newest_user_message(exchange), answers[-1]
    return None, None


async def _reasons(
    store: BaseStore, owner: str, records: Sequence[RecalledRecord], question_id: str
) -> list[Reason]:
    """Return the reasons: pins first, then by score."""
    keys = {key for record in records for key in record.item.value.get("sources") or ()}
    sources = await find_messages(store, owner, keys)
    items = [*(record.item for record in records), *sources.values()]
    names = await thread_names(store, owner, items)
    reasons = [_reason(record, names, sources, question_id) for record in records]
    return sorted(reasons, key=lambda reason: (not reason["pinned"], -reason.get("score", 0.0)))


def _reason(
    record: RecalledRecord, names: Mapping[str, str], sources: Mapping[str, Item], question_id: str
) -> Reason:
    value = record.item.value
    item = recalled_item(record.item, names, record.before, record.scores)
    reason: Reason = {
        **item,  # type: ignore[typeddict-item]
        "pinned": record.before == PINNED,
        "earlier": record.before not in (PINNED, question_id),
    }
    if is_outdated(value):
        reason["outdated"] = True
    if corrected_at := _corrected_at(value):
        reason["corrected"] = corrected_at
    if "sources" in value:
        messages = [sources[key] for key in value["sources"] if key in sources]
        reason["sources"] = [_source(message, names) for message in messages]
    return reason


def _corrected_at(value: Mapping[str, Any]) -> str:
    """Return when the wording of a memory was corrected last, ISO 8601; empty if it never was."""
    history = value.get("history") or ()
    return str(history[-1].get("until") or "") if history else str(value.get("corrected_at") or "")


def _source(message: Item, names: Mapping[str, str]) -> Source:
    item = recalled_item(message, names, "")
    return {
        "id": item["id"],
        "text": item["text"],
        "speaker": item["speaker"],
        "time": item["time"],
        "thread": item["thread"],
    }
