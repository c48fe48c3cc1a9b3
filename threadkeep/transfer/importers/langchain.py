"""Lists of messages: from LangChain's `messages_to_dict`, or with role and content."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.timestamps import Timestamp, parse_timestamp
from threadkeep.base.validation import MAX_ID_CHARACTERS, sanitise_text, validate_id
from threadkeep.transfer.importers.transcript import (
    Role,
    Transcript,
    TranscriptMessage,
    read_list,
    split_text,
    validate_text,
)

ROLES: dict[str, Role] = {
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "user": "user",
    "ai": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "system": "system",
    "systemmessage": "system",
    "developer": "system",
    "tool": "tool",
    "toolmessage": "tool",
    "function": "tool",
    "functionmessage": "tool",
}
TIME_KEYS = ("time", "timestamp", "created_at", "create_time")


def read_langchain(path: Path, user: str, thread: str | None = None) -> Transcript:
    """Read a list of messages into one thread, named `thread` or by the file.

    Messages without a time get that of the file, one second apart.

    Raises:
        BadInput: the file is missing, or holds no JSON list.
    """
    transcript, empty = Transcript(), 0
    if thread is None:
        thread = validate_id(path.stem[:MAX_ID_CHARACTERS].strip(), "thread")
    last = _file_time(path)
    for number, record in enumerate(read_list(path, "messages"), start=1):
        try:
            role, fields = _message(record)
            text = _text(fields.get("content"))
            if not text.strip():
                empty += 1
                continue
            stamp = _time(record, fields)
            last = stamp.time if stamp else last + timedelta(seconds=1)
            transcript.messages += [
                TranscriptMessage(
                    number=number,
                    user=user,
                    thread=thread,
                    role=role,
                    text=validate_text(part),
                    time=last,
                    has_time=stamp is not None,
                    utc_offset=stamp.utc_offset if stamp else None,
                    name=_optional_id(fields.get("name"), "name"),
                    source_id=_optional_id(fields.get("id"), "id"),
                )
                for part in split_text(text)
            ]
        except BadInput as error:
            transcript.add_fault(f"message {number}", error)
    transcript.notes = [f"{empty:,} messages without words"] if empty else []
    return transcript


def _file_time(path: Path) -> datetime:
    """Return the modification time of a file, in whole seconds."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _message(record: Any) -> tuple[Role, Mapping[str, Any]]:
    """Return the role of a message, and the object with its content."""
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    fields, kind = record, record.get("role") or record.get("type")
    if isinstance(record.get("data"), dict):
        fields = record["data"]
        if kind == "chat":
            kind = fields.get("role")
    elif isinstance(record.get("kwargs"), dict) and isinstance(record.get("id"), list):
        fields, kind = record["kwargs"], record["id"][-1] if record["id"] else None
    role = ROLES.get(kind.casefold()) if isinstance(kind, str) else None
    if role is None:
        excerpt = repr(kind[:40]) if isinstance(kind, str) else json_type(kind)
        raise BadInput(
            f"Its role or type is {excerpt}; use human, ai, user, assistant, system, tool."
        )
    return role, fields


def _text(content: object) -> str:
    """Return the text of a content: a string, or a list with text blocks."""
    if isinstance(content, list):
        blocks = [block.get("text") if isinstance(block, dict) else block for block in content]
        return sanitise_text("\n".join(block for block in blocks if isinstance(block, str)))
    if content is not None and not isinstance(content, str):
        raise BadInput(f"The content is {json_type(content)}; write it as a string.")
    return sanitise_text(content or "")


def _time(record: Mapping[str, Any], fields: Mapping[str, Any]) -> Timestamp | None:
    for source in (record, fields, fields.get("additional_kwargs")):
        if not isinstance(source, dict):
            continue
        for key in TIME_KEYS:
            if source.get(key) is not None:
                return parse_timestamp(source[key])
    return None


def _optional_id(value: object, kind: str) -> str | None:
    return None if value is None or isinstance(value, list) else validate_id(value, kind)
