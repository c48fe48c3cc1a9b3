"""Take into a thread's state what its user has corrected since, on whatever branch it stands."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import cut_middle
from threadkeep.base.validation import sanitise_text
from threadkeep.extract.sentences import sentences
from threadkeep.graph.state import LiteralPassage, State, Update
from threadkeep.prompt.coverage import Coverage
from threadkeep.stores.namespaces import messages_of

USED = 1_000
"""What was corrected leaves the pins beside a summary last."""
PIN_TOKENS = 80


async def corrections_update(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any], state: State
) -> Update:
    """Return the changes by which a state says what was corrected since it was written.

    A message is replaced; where only the summary stands for it, the old words leave that, and the
    new ones are pinned beside it.
    """
    told = record.get("corrected") or {}
    due = {message: at for message, at in told.items() if at > state.corrected_at}
    if not due:
        return {}
    found = await store.abatch([GetOp(messages_of(owner, thread), message) for message in due])
    taken = state
    for item in found:
        if isinstance(item, Item) and item.value.get("history"):
            taken = _taken(taken, item)
    update: Update = {"corrected_at": max(due.values())}
    if taken.messages != state.messages:
        before = {message.id: message for message in state.messages}
        update["messages"] = [m for m in taken.messages if before[m.id] != m]
    if taken.summary != state.summary:
        update["summary"] = taken.summary
    if taken.extract != state.extract:
        update["extract"] = taken.extract
    if taken.pins != state.pins:
        update["pins"] = taken.pins
    return update


def updated_state(state: State, update: Update) -> State:
    """Return the state with corrections in it."""
    changes: dict[str, Any] = dict(update)
    if "messages" in changes:
        changes["messages"] = add_messages(list(state.messages), list(changes["messages"]))  # type: ignore[arg-type]
    return replace(state, **changes)


def _taken(state: State, item: Item) -> State:
    text = str(item.value["text"])
    uncovered = {message.id for message in Coverage.of(state).uncovered(state.messages)}
    messages = [_said(m, text) if m.id == item.key else m for m in state.messages]
    state = replace(state, messages=messages)
    if item.key in uncovered or not (state.summary or state.extract or state.pins):
        return state
    old = [sentence for each in item.value["history"] for sentence in sentences(each["text"])]
    pin: LiteralPassage = {
        "text": f"Corrected: {cut_middle(' '.join(text.split()), PIN_TOKENS)}",
        "literals": [],
        "message": item.key,
        "used": USED,
    }
    return replace(
        state,
        summary=_without(state.summary, old),
        extract=_without(state.extract, old),
        pins=[*(each for each in state.pins if each["message"] != item.key), pin],
    )


def _said(message: AnyMessage, text: str) -> AnyMessage:
    if sanitise_text(text_with_tool_calls(message)) == text:
        return message
    if isinstance(message.content, str):
        return message.model_copy(update={"content": text})
    others = [b for b in message.content if isinstance(b, dict) and b.get("type") != "text"]
    return message.model_copy(update={"content": [{"type": "text", "text": text}, *others]})


def _without(prose: str, sentences_gone: list[str]) -> str:
    """Return the prose without sentences that are quoted in it word for word."""
    for sentence in sentences_gone:
        prose = prose.replace(sentence, "")
    return (
        "\n".join(line for line in prose.splitlines() if line.strip(" -:").strip()) if prose else ""
    )
