"""Messages as callers send them: read, validate, merge into the messages of a thread."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    BaseMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    message_chunk_to_message,
)
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_value

MAX_ID_CHARACTERS = 256
"""Of a message's id, its name, and the id of a tool call."""
ROLES: dict[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "human": HumanMessage,
    "assistant": AIMessage,
    "ai": AIMessage,
    "system": SystemMessage,
    "developer": SystemMessage,
}
KINDS = (HumanMessage, AIMessage, SystemMessage, ToolMessage, RemoveMessage)


def read_messages(value: Any, field: str = "messages") -> list[BaseMessage]:
    """Return messages in any form that LangChain reads, as valid ones of five types.

    A `developer` is a system; the result of a function is that of a tool. Ids are kept, empty
    ones become None. The arguments are not changed.

    Raises:
        BadInput: an item is no message, has an unknown role or an invalid id, or two
            different messages have one id; the sentence names the place.
    """
    items = value if isinstance(value, list) else [] if value is None else [value]
    messages: dict[str | int, BaseMessage] = {}
    for place, item in enumerate(items):
        name = f"{field}[{place}]"
        message = _valid(_read(item, name), name)
        key = message.id or place
        other = messages.get(key)
        if other is None or isinstance(other, RemoveMessage):
            messages.pop(key, None)
            messages[key] = message
        elif isinstance(message, RemoveMessage):
            messages[key] = message
        elif (type(other), other.content) != (type(message), message.content):
            raise BadInput(f"{name} has the id {key!r:.60} of another message; give it its own.")
    return list(messages.values())


def with_ids(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Return the messages with an id each."""
    return [m if m.id else m.model_copy(update={"id": str(uuid4())}) for m in messages]


def merge_messages(current: Any, update: Any) -> list[AnyMessage]:
    """Return the messages of a thread with an update: known ids in their place, new ones behind.

    A reducer: what was written once must be readable for ever, so it never raises. What is no
    message is left out, and removing what is not there changes nothing.
    """
    merged = {message.id: message for message in with_ids(_readable(current))}
    for message in with_ids(_readable(update)):
        if not isinstance(message, RemoveMessage):
            merged[message.id] = message
        elif message.id == REMOVE_ALL_MESSAGES:
            merged.clear()
        else:
            merged.pop(message.id, None)
    return list(merged.values())  # type: ignore[arg-type]


def _readable(value: Any) -> list[BaseMessage]:
    messages: list[BaseMessage] = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, BaseMessage) and not isinstance(item, BaseMessageChunk):
            messages.append(item)
            continue
        try:
            messages.append(_converted(item))
        except Exception:  # noqa: S112  (LangChain raises whatever the item makes it raise)
            continue
    return messages


def _read(item: Any, name: str) -> BaseMessage:
    try:
        return _converted(item)
    except Exception as error:
        reason = " ".join(str(error).partition("For troubleshooting")[0].split())[:160]
        raise BadInput(f"{name} is not a message ({type(error).__name__}: {reason}).") from None


def _converted(item: Any) -> BaseMessage:
    message = item if isinstance(item, BaseMessage) else convert_to_messages([_completed(item)])[0]
    if isinstance(message, BaseMessageChunk):
        message = message_chunk_to_message(message)
    if isinstance(message, ChatMessage):
        kind = ROLES.get(message.role.lower())
        if kind is None:
            raise ValueError(f"role {message.role!r:.40} is unknown; use {', '.join(ROLES)}")
        return kind(**message.model_dump(exclude={"type", "role"}))
    if isinstance(message, FunctionMessage):
        return ToolMessage(**message.model_dump(exclude={"type"}), tool_call_id="")
    if not isinstance(message, KINDS):
        raise ValueError(f"type {type(message).__name__!r:.40} is unknown")
    return message


def _completed(item: Any) -> Any:
    """Return a message as a dict with what LangChain requires and clients leave out."""
    if not isinstance(item, dict) or "lc" in item:
        return item
    role = item.get("role") or item.get("type")
    completed = {**item}
    if completed.get("content") is None:
        completed["content"] = ""
    if role in ("chat", "ChatMessage") and isinstance(item.get("role"), str):
        completed.pop("type", None)
    if role == "tool":
        completed["tool_call_id"] = item.get("tool_call_id") or ""
    if isinstance(calls := item.get("tool_calls"), list):
        completed["tool_calls"] = [_completed_call(call) for call in calls]
    return completed


def _completed_call(call: Any) -> Any:
    """Return a tool call with an id, and in LangChain's form where its arguments are no JSON."""
    if not isinstance(call, dict):
        return call
    function = call.get("function")
    if not isinstance(function, dict):
        return {**call, "id": call.get("id") or ""}
    arguments = function.get("arguments") or "{}"
    try:
        args = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        args = {"arguments": arguments}
    args = args if isinstance(args, dict) else {"arguments": args}
    return {"name": str(function.get("name")), "args": args, "id": call.get("id") or ""}


def _valid(message: BaseMessage, name: str) -> BaseMessage:
    """Return a message with sanitised text, its ids in bounds.

    Raises:
        BadInput: an id is invalid.
    """
    change: dict[str, Any] = {"id": message.id or None}
    for field in ("content", "name", "additional_kwargs", "tool_calls", "tool_call_id"):
        if value := getattr(message, field, None):
            change[field] = sanitise_value(value)
    if calls := change.get("tool_calls"):
        change["tool_calls"] = [{**call, "id": call.get("id") or ""} for call in calls]
    if isinstance(message, RemoveMessage):
        return message
    _check_ids(message, [call["id"] for call in calls or ()], name)
    return message.model_copy(update=change)


def _check_ids(message: BaseMessage, calls: Sequence[str], name: str) -> None:
    ids = {"id": message.id, "name": message.name}
    ids["tool_call_id"] = getattr(message, "tool_call_id", None)
    fields = [
        *ids.items(),
        *((f"tool_calls[{place}].id", call) for place, call in enumerate(calls)),
    ]
    for field, value in fields:
        if value and (len(value) > MAX_ID_CHARACTERS or not value.isprintable()):
            raise BadInput(
                f"{name}.{field} {value!r:.40} of {len(value):,} characters is not allowed; "
                f"use at most {MAX_ID_CHARACTERS} printable characters."
            )
    if message.id == REMOVE_ALL_MESSAGES:
        raise BadInput(f"{name}.id {REMOVE_ALL_MESSAGES!r} is reserved; choose another.")
