"""Lists of messages, as LangChain's `messages_to_dict` writes them, or of role and content."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from threadkeep.base.clock import parse_time
from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.validation import MAX_ID_CHARACTERS, sanitise_text, validate_id
from threadkeep.transfer.importers.transcript import (
    Line,
    Role,
    Transcript,
    check_text,
    pieces,
    read_list,
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
TIMES = ("time", "timestamp", "created_at", "create_time")


def read_langchain(path: Path, user: str, thread: str | None = None) -> Transcript:
    """Return what a list of messages holds; the thread is named by the file unless told.

    Messages rarely say when they were said. Those take the time of the file, a second apart.

    Raises:
        BadInput: there is no such file, or it is no JSON list.
    """
    found, wordless = Transcript(), 0
    name = (
        validate_id(path.stem[:MAX_ID_CHARACTERS].strip(), "thread") if thread is None else thread
    )
    last = _written(path)
    for number, record in enumerate(read_list(path, "messages"), start=1):
        try:
            role, about = _message(record)
            text = _text(about.get("content"))
            if not text.strip():
                wordless += 1
                continue
            told = _time(record, about)
            last = told or last + timedelta(seconds=1)
            found.lines += [
                Line(
                    number=number,
                    user=user,
                    thread=name,
                    role=role,
                    text=check_text(piece),
                    time=last,
                    undated=told is None,
                    name=_optional(about.get("name"), "name"),
                    source_id=_optional(about.get("id"), "id"),
                )
                for piece in pieces(text)
            ]
        except BadInput as error:
            found.refuse(f"message {number}", error)
    found.notes = [f"{wordless:,} messages without words"] if wordless else []
    return found


def _written(path: Path) -> datetime:
    """Return when the file was written, in whole seconds."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except (OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _message(record: Any) -> tuple[Role, Mapping[str, Any]]:
    """Return the role of a message, and the object that holds its content."""
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    about, kind = record, record.get("role") or record.get("type")
    if isinstance(record.get("data"), dict):
        about = record["data"]
        if kind == "chat":
            kind = about.get("role")
    elif isinstance(record.get("kwargs"), dict) and isinstance(record.get("id"), list):
        about, kind = record["kwargs"], record["id"][-1] if record["id"] else None
    role = ROLES.get(kind.casefold()) if isinstance(kind, str) else None
    if role is None:
        shown = repr(kind[:40]) if isinstance(kind, str) else json_type(kind)
        raise BadInput(
            f"Its role or type is {shown}; use human, ai, user, assistant, system, tool."
        )
    return role, about


def _text(content: object) -> str:
    """Return the words of a content: text, or the text blocks of a list."""
    if isinstance(content, list):
        told = [each.get("text") if isinstance(each, dict) else each for each in content]
        return sanitise_text("\n".join(each for each in told if isinstance(each, str)))
    if content is not None and not isinstance(content, str):
        raise BadInput(f"The content is {json_type(content)}; write it as a string.")
    return sanitise_text(content or "")


def _time(record: Mapping[str, Any], about: Mapping[str, Any]) -> datetime | None:
    for each in (record, about, about.get("additional_kwargs")):
        told = each if isinstance(each, dict) else {}
        for key in TIMES:
            if isinstance(told.get(key), str):
                return parse_time(told[key])
            if isinstance(told.get(key), int | float) and 0 < told[key] < 1e11:
                return datetime.fromtimestamp(told[key], UTC)
    return None


def _optional(value: object, what: str) -> str | None:
    return None if value is None or isinstance(value, list) else validate_id(value, what)
