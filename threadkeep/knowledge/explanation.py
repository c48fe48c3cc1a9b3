"""Why the last answer of a thread says what it says: what it was shown of the past, and how much.

The state holds places and scores; the words are read from the store, so that what was forgotten
or corrected since is so here too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.store.base import BaseStore, Item
from typing_extensions import TypedDict

from threadkeep.base.errors import BadInput
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
    """A message that taught what is known."""

    id: str
    text: str
    speaker: str
    time: str
    thread: str


class Reason(RecalledItem):
    """A memory that the answer was shown."""

    pinned: bool
    earlier: bool
    """Whether it was recalled for an earlier turn and still stood in the prompt."""
    outdated: NotRequired[bool]
    """Whether something has taken its place since."""
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
    """Memories that it was shown and that are no longer there."""
    summary: str
    """What stands in for older messages of the thread, as it is now."""
    summary_changed: bool
    """Whether the summary was extended after the answer."""
    tokens: Ledger


async def explain(store: BaseStore, owner: str, state: State, name: str) -> Explanation:
    """Return what the newest answer of a thread was shown of the past.

    Raises:
        BadInput: the thread has no answer yet.
    """
    asked, answer = _newest(state.messages)
    if answer is None:
        raise BadInput(f"Thread {name!r} has no answer yet; send a message first.")
    found = recalled_records(
        state.recalled, await store.abatch(read_ops(owner, state.recalled)), outdated=True
    )
    shown = sum(len(turn["places"]) for turn in state.recalled)
    told = "\n".join(part for part in (state.summary, state.extract) if part)
    return {
        "thread": name,
        "question": text_with_tool_calls(asked) if asked else "",
        "answer": text_with_tool_calls(answer),
        "model": str(state.ledger.get("model") or ""),
        "time": state.turn_at,
        "memories": await _reasons(store, owner, found, str(asked.id) if asked else ""),
        "gone": shown - len(found),
        "summary": "\n".join([*([told] if told else []), *(pin["text"] for pin in state.pins)]),
        "summary_changed": any(turn.get("over") for turn in state.recalled),
        "tokens": state.ledger,
    }


def _newest(messages: Sequence[AnyMessage]) -> tuple[AnyMessage | None, AnyMessage | None]:
    for part in reversed(split_exchanges(messages)):
        answers = [message for message in part if isinstance(message, AIMessage)]
        if answers:
            return newest_user_message(part), answers[-1]
    return None, None


async def _reasons(
    store: BaseStore, owner: str, found: Sequence[RecalledRecord], asked: str
) -> list[Reason]:
    """Return the reasons, what is pinned first, then by score."""
    keys = {key for each in found for key in each.item.value.get("sources") or ()}
    taught = await find_messages(store, owner, keys)
    named = await thread_names(store, owner, [*(f.item for f in found), *taught.values()])
    reasons = [_reason(each, named, taught, asked) for each in found]
    return sorted(reasons, key=lambda one: (not one["pinned"], -one.get("score", 0.0)))


def _reason(
    each: RecalledRecord, named: Mapping[str, str], taught: Mapping[str, Item], asked: str
) -> Reason:
    value = each.item.value
    memory: dict[str, Any] = dict(recalled_item(each.item, named, each.before, each.scores))
    memory |= {
        "pinned": each.before == PINNED,
        "earlier": each.before not in (PINNED, asked),
    }
    if value.get("superseded_by"):
        memory["outdated"] = True
    if when := corrected_on(value):
        memory["corrected"] = when
    if "sources" in value:
        told = [taught[key] for key in value["sources"] if key in taught]
        memory["sources"] = [_source(item, named) for item in told]
    return memory  # type: ignore[return-value]


def corrected_on(value: Mapping[str, Any]) -> str:
    """Return when a memory got the wording that it has, nothing where nobody corrected it."""
    history = value.get("history") or ()
    return str(history[-1].get("until") or "") if history else str(value.get("corrected_at") or "")


def _source(item: Item, named: Mapping[str, str]) -> Source:
    memory = recalled_item(item, named, "")
    return {
        "id": memory["id"],
        "text": memory["text"],
        "speaker": memory["speaker"],
        "time": memory["time"],
        "thread": memory["thread"],
    }
