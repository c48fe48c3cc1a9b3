"""Messages as the long-term store holds them: build, write, extend their TTL."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.store.base import BaseStore, PutOp
from typing_extensions import TypedDict

from threadkeep.base.clock import now, parse_time, utc_offset
from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import count_text
from threadkeep.base.validation import sanitise_text
from threadkeep.checkpoints.data_references import digests_of
from threadkeep.graph.state import State
from threadkeep.models.finish import incomplete_of
from threadkeep.stores.namespaces import messages_of
from threadkeep.stores.pages import ALL

EXTEND_AFTER = 0.05
"""Share of the TTL that must have passed before it is extended."""
Role = Literal["user", "assistant", "system", "tool"]
OFFLINE = "offline"
"""The name of the model that only quotes."""
ROLES: dict[str, Role] = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class StoredMessage(TypedDict):
    """One message in the long-term store."""

    id: str
    role: Role
    text: str
    position: int
    """Its place in the thread, from 0."""
    time: str
    """When it was said, ISO 8601, in UTC."""
    utc_offset: NotRequired[int]
    """In minutes, where it was said; without it the user's zone decides what day it was."""
    recorded_at: str
    before: str
    """The text of the message before it, for the index."""
    thread: str
    name: NotRequired[str]
    incomplete: NotRequired[str]
    """Of an answer that is not whole: length, content_filter, refusal, tool_call or cut_off."""
    boilerplate: NotRequired[bool]
    """Whether it is a reply of the offline model: never searched or recalled."""
    source_id: NotRequired[str]
    blobs: NotRequired[list[str]]
    """Digests of its pictures and files."""
    history: NotRequired[list[dict[str, str]]]
    """Earlier wordings, before corrections: `text`, and `until` when."""


def new_messages(state: State, thread: str, position: int) -> list[StoredMessage]:
    """Return the messages after `stored_through`, the first of them at `position`.

    All messages, if that one is no longer in the state.
    """
    ids = [message.id for message in state.messages]
    first = ids.index(state.stored_through) + 1 if state.stored_through in ids else 0
    recorded_at = now().isoformat()
    return [
        _stored(message, state, first + offset, position + offset, thread, recorded_at)
        for offset, message in enumerate(state.messages[first:])
    ]


async def store_messages(
    store: BaseStore, owner: str, messages: Sequence[StoredMessage], ttl: float | None = None
) -> None:
    """Write messages to the store. Idempotent: the key is the message's id."""
    await store.abatch(
        [
            PutOp(
                messages_of(owner, message["thread"]),
                message["id"],
                stored_value(message),
                index=index_of(message),
                ttl=ttl,
            )
            for message in messages
        ]
    )


async def extend_messages(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any], ttl: float | None
) -> dict[str, str]:
    """Extend the TTL of a thread's messages; return the time of it, for the thread's record.

    Every message is written again, so it is done only when `EXTEND_AFTER` of the TTL has passed.
    """
    if ttl is None:
        return {}
    present, before = now(), record.get("extended")
    if before and present - parse_time(before) < timedelta(minutes=ttl * EXTEND_AFTER):
        return {}
    await store.asearch(messages_of(owner, thread), limit=ALL, refresh_ttl=True)
    return {"extended": present.isoformat()}


def _stored(
    message: AnyMessage, state: State, place: int, position: int, thread: str, recorded_at: str
) -> StoredMessage:
    stored: StoredMessage = {
        "id": message.id or "",
        "role": ROLES.get(message.type, "system"),
        "text": sanitise_text(text_with_tool_calls(message)),
        "position": position,
        "time": state.turn_at or recorded_at,
        "recorded_at": recorded_at,
        "before": sanitise_text(text_with_tool_calls(state.messages[place - 1])) if place else "",
        "thread": thread,
    }
    if offset := utc_offset(parse_time(stored["time"])):
        stored["utc_offset"] = offset
    if digests := digests_of(message):
        stored["blobs"] = digests
    if mark := incomplete_of(message):
        stored["incomplete"] = mark["kind"]
    if message.name:
        stored["name"] = sanitise_text(message.name)
    if message.response_metadata.get("model_name") == OFFLINE:
        stored["boilerplate"] = True
    return stored


def index_of(message: Mapping[str, Any]) -> Literal[False] | None:
    """Return whether a stored message is indexed, as `PutOp` takes it.

    What the program itself says where no model answers is kept in the thread, but is no memory.
    """
    return False if message.get("boilerplate") else None


def stored_value(message: StoredMessage) -> dict[str, Any]:
    """Return a message as the value that is stored under its id."""
    # Tokens are counted at write time, so that recall does not need to.
    return {key: value for key, value in message.items() if key != "id"} | {
        "tokens": count_text(message["text"])
    }
