"""Keep every word of the turn in the long-term store, and let go of what need not be shown."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, NotRequired

from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore, PutOp
from typing_extensions import TypedDict

from threadkeep.base.clock import now, parse_time
from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import count_text
from threadkeep.base.validation import sanitise_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.branch_sync import ALL, follow_branch, has_turned, head_of
from threadkeep.nodes.trim_history import never_shown_again
from threadkeep.prompt.ledger import usage_of
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.run_owner import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import messages_of, threads_of
from threadkeep.stores.usage import add_usage

EXTEND_AFTER = 0.05
"""A share of a life that has passed before it is extended."""
Role = Literal["user", "assistant", "system", "tool"]
ROLES: dict[str, Role] = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class StoredMessage(TypedDict):
    """One message as the long-term store keeps it."""

    id: str
    role: Role
    text: str
    position: int
    """Its place in the thread, from 0."""
    time: str
    """When it was said, ISO 8601."""
    recorded_at: str
    before: str
    """The text of the message before it, for the index."""
    thread: str
    name: NotRequired[str]
    source_id: NotRequired[str]
    history: NotRequired[list[dict[str, str]]]
    """What it said before it was corrected: `text`, and `until` when."""


@on_run_clock
async def store_turn(state: State, runtime: Runtime[Context]) -> Update:
    """Store what is not stored yet, touch the thread's record, drop what is never shown again."""
    store, owner, thread = store_of(runtime), await owner_of(runtime), thread_of()
    context = context_of(runtime)
    old = await current_record(store, owner, thread, state)
    begins_at = int(old.get("begins_at") or 0)
    new = new_messages(state, thread, max(state.stored, begins_at))
    ttl = ttl_of(store, old)
    await store_messages(store, owner, new, ttl)
    extended = await extend_messages(store, owner, thread, old, ttl)
    await touch_thread(store, owner, thread, new, thread_name(get_config()), old | extended, ttl)
    await bill_answer(store, owner, thread, state)
    window = window_for(state, await model_of(context, store), context)
    dropped = never_shown_again(state, context, window)
    return {
        "messages": [RemoveMessage(id=message.id or "") for message in dropped],
        "stored": max(state.stored, begins_at) + len(new),
        "stored_through": state.messages[-1].id or "" if state.messages else "",
    }


async def current_record(store: BaseStore, owner: str, thread: str, state: State) -> dict[str, Any]:
    """Return the thread's record, its messages those of the branch that the state stands on."""
    item = await store.aget(threads_of(owner), thread)
    record = dict(item.value) if item else {}
    if has_turned(record, head := head_of(vars(state))):
        await follow_branch(store, owner, thread, head)
        item = await store.aget(threads_of(owner), thread)
        record = dict(item.value) if item else {}
    if record.get("turns") and record.get("last_message") is None:
        # An imported thread is gone on with: its messages come first, on every branch.
        record["begins_at"] = len(
            await store.asearch(messages_of(owner, thread), limit=ALL, refresh_ttl=False)
        )
    return record


def new_messages(state: State, thread: str, position: int) -> list[StoredMessage]:
    """Return the messages after `stored_through`, the first of them at `position`.

    All of them, where that one is gone.
    """
    ids = [message.id for message in state.messages]
    first = ids.index(state.stored_through) + 1 if state.stored_through in ids else 0
    recorded_at = now().isoformat()
    return [
        _stored(message, state, first + offset, position + offset, thread, recorded_at)
        for offset, message in enumerate(state.messages[first:])
    ]


async def store_messages(
    store: BaseStore, user: str, messages: Sequence[StoredMessage], ttl: float | None = None
) -> None:
    """Put messages into the store. Twice is once: the key is the message's id."""
    await store.abatch(
        [
            PutOp(messages_of(user, message["thread"]), message["id"], _value(message), ttl=ttl)
            for message in messages
        ]
    )


async def extend_messages(
    store: BaseStore, user: str, thread: str, old: Mapping[str, Any], ttl: float | None
) -> dict[str, str]:
    """Let a thread's messages live on with it; return when that was done, for its record.

    Not at every turn: each message is written again, so a share of the life must have passed.
    """
    if ttl is None:
        return {}
    present, before = now(), old.get("extended")
    if before and present - parse_time(before) < timedelta(minutes=ttl * EXTEND_AFTER):
        return {}
    await store.asearch(messages_of(user, thread), limit=1_000_000, refresh_ttl=True)
    return {"extended": present.isoformat()}


async def touch_thread(
    store: BaseStore,
    user: str,
    thread: str,
    new: Sequence[StoredMessage],
    name: str,
    old: Mapping[str, Any],
    ttl: float | None = None,
) -> None:
    """Write the thread's record: name, creation, last use, number of turns."""
    if not new:
        return
    asked = sum(message["role"] == "user" for message in new)
    again = old.get("last_message") == new[-1]["id"]
    value = {
        **old,
        "name": old.get("name") or name or thread,
        "created": old.get("created") or new[0]["time"],
        "last_used": max(str(old.get("last_used") or ""), new[-1]["time"]),
        "turns": int(old.get("turns") or 0) + (0 if again else asked),
        "last_message": new[-1]["id"],
    }
    await store.aput(threads_of(user), thread, value, index=False, ttl=ttl)


async def bill_answer(store: BaseStore, user: str, thread: str, state: State) -> None:
    """Add the turn's call of the model to the user's sums, once."""
    reply = state.messages[-1] if state.messages else None
    if isinstance(reply, AIMessage):
        usage = usage_of(int(state.ledger.get("prompt") or 0), reply)
        once = reply.id or ""
        await add_usage(store, user, thread, state.turn_at[:10], "answer", usage, once=once)


def thread_name(config: RunnableConfig) -> str:
    """Return the name that the caller gave the thread, cleaned, or nothing."""
    return sanitise_text(str((config.get("metadata") or {}).get("thread_name") or ""))[:128]


def _stored(
    message: AnyMessage, state: State, place: int, position: int, thread: str, recorded_at: str
) -> StoredMessage:
    stored: StoredMessage = {
        "id": message.id or "",
        "role": ROLES.get(message.type, "user"),
        "text": sanitise_text(text_with_tool_calls(message)),
        "position": position,
        "time": state.turn_at or recorded_at,
        "recorded_at": recorded_at,
        "before": sanitise_text(text_with_tool_calls(state.messages[place - 1])) if place else "",
        "thread": thread,
    }
    if message.name:
        stored["name"] = sanitise_text(message.name)
    return stored


def _value(message: StoredMessage) -> dict[str, object]:
    # Counted now, so that no turn that recalls it has to.
    return {key: value for key, value in message.items() if key != "id"} | {
        "tokens": count_text(message["text"])
    }
