"""Conversations as JSON lines: one message a line, with user, thread, role, text and time."""

from collections.abc import Mapping
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json, raw_lines
from threadkeep.base.timestamps import parse_timestamp
from threadkeep.base.validation import validate_id
from threadkeep.transfer.importers.transcript import (
    ROLES,
    Conversation,
    ImportPath,
    Role,
    Transcript,
    TranscriptMessage,
    open_transcript,
    validate_text,
)

MAX_LINE_BYTES = 1_000_000


def read_jsonl(path: ImportPath, user: str | None = None) -> Transcript:
    """Read a file of JSON lines; `user` overrides the user of every line.

    Raises:
        BadInput: the file cannot be read.
    """
    transcript = Transcript()
    with open_transcript(path) as file:
        for number, raw in raw_lines(file, MAX_LINE_BYTES):
            if not raw.strip():
                continue
            try:
                transcript.messages.append(parse_line(number, raw, user))
            except BadInput as error:
                transcript.add_fault(f"line {number}", error)
    return transcript


def parse_line(number: int, raw: bytes, user: str | None = None) -> TranscriptMessage:
    """Return one line of JSON as a message.

    Raises:
        BadInput: it is too long, not UTF-8, not JSON, or a value in it is missing or invalid.
    """
    if len(raw) > MAX_LINE_BYTES:
        raise BadInput(f"It has more than {MAX_LINE_BYTES:,} bytes.")
    record = parse_json(raw)
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    stamp, name = parse_timestamp(_required(record, "time")), record.get("name")
    return TranscriptMessage(
        number=number,
        user=validate_id(_required(record, "user") if user is None else user, "user"),
        thread=validate_id(_required(record, "thread"), "thread"),
        role=_role(record),
        text=validate_text(record.get("text")),
        conversation=Conversation(source="jsonl", id=str(record["thread"])),
        time=stamp.time,
        utc_offset=stamp.utc_offset,
        name=None if name is None else validate_id(name, "name"),
    )


def _role(record: Mapping[str, Any]) -> Role:
    for role in ROLES:
        if record.get("role") == role:
            return role
    raise BadInput(f"{_describe(record, 'role')}; use one of {', '.join(ROLES)}.")


def _required(record: Mapping[str, Any], key: str) -> Any:
    if record.get(key) is None:
        raise BadInput(f"The {key} is missing.")
    return record[key]


def _describe(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if isinstance(value, str):
        return f"The {key} {value[:40]!r} is not allowed"
    return f"The {key} is {json_type(value)}"
