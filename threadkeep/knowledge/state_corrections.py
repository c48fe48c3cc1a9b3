"""Apply to a thread's state what its user corrected since, on any branch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import cut_middle
from threadkeep.base.validation import sanitise_text
from threadkeep.extract.sentences import sentences
from threadkeep.graph.messages import merge_messages
from threadkeep.graph.state import LiteralPassage, State, Update
from threadkeep.prompt.coverage import Coverage
from threadkeep.stores.namespaces import messages_of

CORRECTION_USED = 1_000
"""Mentions of a correction among literal passages, so that it is dropped last."""
MAX_CORRECTION_TOKENS = 80


async def corrections_update(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any], state: State
) -> Update:
    """Return the update that corrects a state, for corrections made after it was written.

    The text of a corrected message is replaced. If only the summary covers the message, its old
    sentences are removed there, and the new text becomes a literal passage.
    """
    corrected = record.get("corrected") or {}
    pending = {message: at for message, at in corrected.items() if at > state.corrected_at}
    if not pending:
        return {}
    ops = [GetOp(messages_of(owner, thread), message) for message in pending]
    new = state
    for item in await store.abatch(ops):
        if isinstance(item, Item) and item.value.get("history"):
            new = _corrected_state(new, item)
    update: Update = {"corrected_at": max(pending.values())}
    if new.messages != state.messages:
        old_messages = {message.id: message for message in state.messages}
        update["messages"] = [m for m in new.messages if old_messages[m.id] != m]
    if new.summary != state.summary:
        update["summary"] = new.summary
    if new.extract != state.extract:
        update["extract"] = new.extract
    if new.pins != state.pins:
        update["pins"] = new.pins
    return update


def updated_state(state: State, update: Update) -> State:
    """Return the state with an update of `corrections_update`."""
    changes: dict[str, Any] = dict(update)
    if "messages" in changes:
        changes["messages"] = merge_messages(state.messages, list(changes["messages"]))
    return replace(state, **changes)


def reworded_state(
    state: State, former_texts: Mapping[str, str], new_texts: Mapping[str, str]
) -> State:
    """Return the state with the summary of messages that were reworded, or removed, by id."""
    for message, text in former_texts.items():
        state = _reworded(state, message, [text], new_texts.get(message, ""))
    return state


def _corrected_state(state: State, item: Item) -> State:
    text = str(item.value["text"])
    messages = [_with_text(m, text) if m.id == item.key else m for m in state.messages]
    former_texts = [entry["text"] for entry in item.value["history"]]
    return _reworded(replace(state, messages=messages), item.key, former_texts, text)


def _reworded(state: State, message: str, former_texts: Sequence[str], text: str) -> State:
    """Return the state with `text` beside the summary, if only the summary covers the message."""
    uncovered = {message.id for message in Coverage.of(state).uncovered(state.messages)}
    if message in uncovered or not (state.summary or state.extract or state.pins):
        return state
    old_sentences = [sentence for former in former_texts for sentence in sentences(former)]
    correction: LiteralPassage = {
        "text": f"Corrected: {cut_middle(' '.join(text.split()), MAX_CORRECTION_TOKENS)}",
        "literals": [],
        "message": message,
        "used": CORRECTION_USED,
    }
    others = [passage for passage in state.pins if passage["message"] != message]
    return replace(
        state,
        summary=_without_sentences(state.summary, old_sentences),
        extract=_without_sentences(state.extract, old_sentences),
        pins=[*others, correction] if text else others,
    )


def _with_text(message: AnyMessage, text: str) -> AnyMessage:
    if sanitise_text(text_with_tool_calls(message)) == text:
        return message
    if isinstance(message.content, str):
        return message.model_copy(update={"content": text})
    others = [b for b in message.content if isinstance(b, dict) and b.get("type") != "text"]
    return message.model_copy(update={"content": [{"type": "text", "text": text}, *others]})


def _without_sentences(prose: str, removed: list[str]) -> str:
    """Return the prose without sentences that it quotes word for word, and without empty lines."""
    for sentence in removed:
        prose = prose.replace(sentence, "")
    return "\n".join(line for line in prose.splitlines() if line.strip(" -:").strip())
