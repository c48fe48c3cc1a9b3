"""Lists of messages: LangChain's, OpenAI's, Zep's and Letta's, as JSON or JSON lines.

A file is one list, an object with `messages`, a list of such objects, or one of either a line.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json
from threadkeep.base.timestamps import Timestamp, parse_timestamp
from threadkeep.base.validation import MAX_ID_CHARACTERS, sanitise_text, validate_id
from threadkeep.transfer.importers.message_content import source_id_of, text_of_content
from threadkeep.transfer.importers.thread_names import ThreadNames
from threadkeep.transfer.importers.transcript import (
    Conversation,
    ImportPath,
    Role,
    Transcript,
    TranscriptMessage,
    file_time,
    read_bounded,
    split_text,
    validate_text,
)

ROLES: dict[str, Role] = {
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "user": "user",
    "user_message": "user",
    "ai": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "assistant": "assistant",
    "assistant_message": "assistant",
    "model": "assistant",
    "gpt": "assistant",
    "system": "system",
    "systemmessage": "system",
    "system_message": "system",
    "developer": "system",
    "tool": "tool",
    "toolmessage": "tool",
    "function": "tool",
    "functionmessage": "tool",
}
STEPS = frozenset(
    "reasoning reasoning_message hidden_reasoning_message tool_call tool_call_message "
    "tool_return_message approval_request_message approval_response_message function_call "
    "function_call_output web_search_call file_search_call computer_call approval remove".split()
)
"""Roles and types of what is no message: reasoning, and calls of tools."""
TIME_KEYS = ("time", "timestamp", "created_at", "create_time", "date", "createdAt")
ID_KEYS = ("id", "uuid")
CONVERSATION_IDS = ("conversation_id", "thread_id", "session_id", "uuid", "id")
TITLES = ("title", "name")
LIST_KEYS = ("messages", "conversations", "items", "history")
EVENTS = frozenset({"login", "heartbeat", "system_alert"})
"""Types of what Letta writes as JSON in the name of the user."""


_Group = tuple[list[tuple[str, Any]], str, Conversation]
"""Messages of a conversation, each with its place in the file; its thread's name."""


def read_langchain(path: ImportPath, user: str, thread: str | None = None) -> Transcript:
    """Read lists of messages: one into the thread `thread`, by default named by the file.

    Of several conversations each is a thread, named by its title or id. Messages without a time
    get that of the file, one second apart.

    Raises:
        BadInput: the file is missing, or holds no messages.
    """
    transcript, last = Transcript(), file_time(path)
    for messages, name, conversation in _groups(path, thread, transcript):
        last = read_messages(messages, name, conversation, user, last, transcript)
    return transcript


def read_messages(
    messages: Sequence[tuple[str, Any]],
    thread: str,
    conversation: Conversation,
    user: str,
    start: datetime,
    transcript: Transcript,
) -> datetime:
    """Add the messages of one conversation, each given with its place; return the last time."""
    skipped, last = Counter[str](), start
    for place, record in messages:
        try:
            role, fields = _message(record)
            text = _words(fields, role) if role else ""
            if role is None or not text.strip():
                skipped["without words" if role else "of reasoning and calls of tools"] += 1
                continue
            stamp = _time(record, fields)
            last = stamp.time if stamp else last + timedelta(seconds=1)
            ids = (_optional_id(fields.get(key)) for key in ID_KEYS)
            message = TranscriptMessage(
                number=len(transcript.messages) + 1,
                user=user,
                thread=thread,
                role=role,
                text=text,
                time=last,
                has_time=stamp is not None,
                utc_offset=stamp.utc_offset if stamp else None,
                conversation=conversation,
                name=_name(fields),
                source_id=next(filter(None, ids), None),
            )
            parts = map(validate_text, split_text(text))
            transcript.messages += [replace(message, text=part) for part in parts]
        except BadInput as error:
            transcript.add_fault(place, error)
    transcript.notes += [f"{count:,} messages {reason}" for reason, count in skipped.items()]
    return last


def _groups(path: ImportPath, thread: str | None, transcript: Transcript) -> list[_Group]:
    """Return the conversations of a file."""
    stem = str(path.stem)[:MAX_ID_CHARACTERS].strip()
    records = list(_records(path, transcript))
    lists = [(place, record) for place, record in records if _message_list(record) is not None]
    if not lists:
        name = thread or validate_id(stem, "thread")
        conversation = Conversation(source="messages", id=thread)
        return [(records, name, conversation)]
    names, groups = ThreadNames(stem), list[_Group]()
    for place, record in records:
        messages = _message_list(record)
        if messages is None:
            transcript.add_fault(place, "It has no messages.")
            continue
        ids = (source_id_of(_get(record, key)) for key in CONVERSATION_IDS)
        id_ = next(filter(None, ids), None)
        title = next((t for key in TITLES if isinstance(t := _get(record, key), str)), id_)
        moment = _time(record, {}) if isinstance(record, dict) else None
        name = names.add(title or stem, moment.time if moment else file_time(path))
        prefix = "" if len(records) == 1 else f"{place}, "
        if thread is not None and len(records) == 1:
            name, id_ = thread, thread
        places = [(f"{prefix}message {n}", m) for n, m in enumerate(messages, start=1)]
        groups.append((places, name, Conversation(source="messages", id=id_)))
    return groups


def _records(path: ImportPath, transcript: Transcript) -> Iterator[tuple[str, Any]]:
    """Yield the messages or conversations of a file, each with its place."""
    raw = read_bounded(path)
    if not raw.strip():
        return
    try:
        value = parse_json(raw)
    except BadInput as error:
        lines = [line for line in raw.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].lstrip(b"\xef\xbb\xbf \t").startswith((b"{", b"[")):
            raise BadInput(f"{str(path)!r} cannot be imported: {error}") from error
        for number, line in enumerate(raw.splitlines(), start=1):
            try:
                if line.strip():
                    yield f"line {number}", parse_json(line)
            except BadInput as fault:
                transcript.add_fault(f"line {number}", fault)
        return
    if isinstance(value, dict):
        yield from _records_of_object(value, path)
        return
    if not isinstance(value, list):
        raise BadInput(f"{str(path)!r} is {json_type(value)}, not a list of conversations.")
    is_nested = any(_message_list(record) is not None for record in value)
    noun = "conversation" if is_nested else "message"
    yield from ((f"{noun} {number}", record) for number, record in enumerate(value, start=1))


def _records_of_object(value: dict[str, Any], path: ImportPath) -> Iterator[tuple[str, Any]]:
    messages = _message_list(value)
    if messages is None:
        names = ", ".join(LIST_KEYS)
        raise BadInput(f"{str(path)!r} is an object without a list of {names}.")
    if any(_message_list(record) is not None for record in messages):
        for number, record in enumerate(messages, start=1):
            yield f"conversation {number}", record
    else:
        yield "conversation 1", value


def _message_list(record: Any) -> list[Any] | None:
    if isinstance(record, list):
        return record
    if not isinstance(record, dict):
        return None
    return next((record[key] for key in LIST_KEYS if isinstance(record.get(key), list)), None)


def _get(record: Any, key: str) -> object:
    return record.get(key) if isinstance(record, dict) else None


def _message(record: Any) -> tuple[Role | None, Mapping[str, Any]]:
    """Return the role of a message, and the object with its content; no role for a step."""
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    fields = record
    keys = ("role_type", "message_type", "role", "type", "from", "sender")
    kind = next((record[key] for key in keys if record.get(key)), None)
    if isinstance(record.get("data"), dict):
        fields = record["data"]
        if kind == "chat":
            kind = fields.get("role")
    elif isinstance(record.get("kwargs"), dict) and isinstance(record.get("id"), list):
        fields, kind = record["kwargs"], record["id"][-1] if record["id"] else None
    word = kind.casefold() if isinstance(kind, str) else ""
    if word in STEPS:
        return None, fields
    role = ROLES.get(word)
    if role is None:
        excerpt = repr(kind[:40]) if isinstance(kind, str) else json_type(kind)
        raise BadInput(
            f"Its role or type is {excerpt}; use human, ai, user, assistant, system, tool."
        )
    return role, fields


def _words(fields: Mapping[str, Any], role: Role) -> str:
    """Return the words of a message, taken out of what Letta writes as JSON or as a call."""
    content = next(
        (fields[key] for key in ("content", "value", "text", "parts") if fields.get(key)), None
    )
    text = text_of_content(content)
    if role == "user" and text.startswith('{"type"'):
        inner = _json_object(text)
        if inner.get("type") in EVENTS:
            return ""
        if inner.get("type") == "user_message" and isinstance(inner.get("message"), str):
            return sanitise_text(inner["message"])
    if role == "assistant":
        calls = fields.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and function.get("name") == "send_message":
                spoken = _json_object(function.get("arguments")).get("message")
                if isinstance(spoken, str):
                    # What stands beside the call is Letta's reasoning.
                    return sanitise_text(spoken)
    return text


def _json_object(text: object) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _time(record: Mapping[str, Any], fields: Mapping[str, Any]) -> Timestamp | None:
    for source in (record, fields, fields.get("additional_kwargs"), fields.get("metadata")):
        if not isinstance(source, dict):
            continue
        for key in TIME_KEYS:
            if source.get(key) is not None:
                return parse_timestamp(source[key])
    return None


def _name(fields: Mapping[str, Any]) -> str | None:
    name = fields.get("name")
    if not name and fields.get("role_type"):
        name = fields.get("role")  # Zep: who it is; the role is beside it.
        if isinstance(name, str) and name.casefold() in ROLES:
            return None
    return _optional_id(name, "name") if name else None


def _optional_id(value: object, kind: str = "id") -> str | None:
    if value is None or isinstance(value, list):
        return None
    return validate_id(str(value) if isinstance(value, int) else value, kind)
