"""Conversations in a file, read and checked before anything is stored: one JSON object a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args

from threadkeep.base.clock import parse_time
from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json, raw_lines
from threadkeep.base.validation import MAX_MESSAGE_BYTES, sanitise_text, validate_id

Role = Literal["user", "assistant", "system", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)
MAX_LINE_BYTES = 1_000_000
MAX_FILE_BYTES = 256_000_000
MAX_FAULTS_KEPT = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message of a transcript, checked."""

    number: int
    """Line of the file, from 1; in LoCoMo the turn, counted through the file."""
    user: str
    thread: str
    role: Role
    text: str
    time: datetime
    """When it was said, aware, in UTC."""
    name: str | None = None
    source_id: str | None = None
    """What the message is called where it comes from, as LoCoMo's `dia_id`."""
    undated: bool = False
    """Whether the file does not say when it was said, so that `time` is only a guess."""


@dataclass(kw_only=True)
class Transcript:
    """What a file holds: the good lines, and what is wrong with the others."""

    lines: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """The first `MAX_FAULTS_KEPT`, each with its place."""
    bad: int = 0
    notes: list[str] = field(default_factory=list)
    """What was left out on purpose, and why."""

    def refuse(self, where: str, why: object) -> None:
        """Count a malformed line, and keep what is wrong with it."""
        self.bad += 1
        if len(self.faults) < MAX_FAULTS_KEPT:
            self.faults.append(f"{where}: {why}")


def read_jsonl(path: Path, user: str | None = None) -> Transcript:
    """Return what a file of one JSON object a line holds; `user` stands in for each line's own.

    Raises:
        BadInput: there is no such file, or it cannot be read.
    """
    found = Transcript()
    with open_transcript(path) as file:
        for number, raw in raw_lines(file, MAX_LINE_BYTES):
            if not raw.strip():
                continue
            try:
                found.lines.append(parse_line(number, raw, user))
            except BadInput as error:
                found.refuse(f"line {number}", error)
    return found


def parse_line(number: int, raw: bytes, user: str | None = None) -> Line:
    """Return one line of JSON as a message.

    Raises:
        BadInput: it is too long, not UTF-8, not JSON, or a value in it is missing or not allowed.
    """
    if len(raw) > MAX_LINE_BYTES:
        raise BadInput(f"It has more than {MAX_LINE_BYTES:,} bytes.")
    record = parse_json(raw)
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    time, name = record.get("time"), record.get("name")
    if not isinstance(time, str):
        raise BadInput(f"{_given(record, 'time')}; write it like 2026-03-04T09:30:00+00:00.")
    return Line(
        number=number,
        user=validate_id(_present(record, "user") if user is None else user, "user"),
        thread=validate_id(_present(record, "thread"), "thread"),
        role=_role(record),
        text=check_text(record.get("text")),
        time=parse_time(time),
        name=None if name is None else validate_id(name, "name"),
    )


def open_transcript(path: Path) -> IO[bytes]:
    """Return the file, opened for reading.

    Raises:
        BadInput: it is missing, a folder or a device, or may not be read.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_fifo()):
            kind = "a folder" if path.is_dir() else "a device"
            raise BadInput(f"{str(path)!r} is {kind}; name the file to import.")
        return path.open("rb")
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BadInput(f"{str(path)!r} cannot be read ({why}); name another file.") from error


def read_list(path: Path, key: str = "") -> list[Any]:
    """Return the JSON list that a file is, or that stands under `key` of the object in it.

    Raises:
        BadInput: there is no such file, it is too large, or no list.
    """
    with open_transcript(path) as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise BadInput(f"{str(path)!r} has more than {MAX_FILE_BYTES:,} bytes; split it.")
    if not raw.strip():
        return []
    try:
        records = parse_json(raw)
    except BadInput as error:
        raise BadInput(f"{str(path)!r} cannot be imported: {error}") from error
    if key and isinstance(records, dict):
        records = records.get(key)
    if not isinstance(records, list):
        raise BadInput(f"{str(path)!r} is {json_type(records)}, not a list of conversations.")
    return records


def pieces(text: str) -> list[str]:
    """Return a text in parts that are each short enough for one message, cut between lines."""
    found, rest = list[str](), text
    while len(rest.encode()) > MAX_MESSAGE_BYTES:
        head = rest.encode()[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        cut = max(head.rfind("\n"), head.rfind(" ") if "\n" not in head else -1)
        head = head[: cut + 1] if cut > 0 and head[:cut].strip() else head
        found.append(head)
        rest = rest[len(head) :]
    return [each for each in (*found, rest) if each.strip()]


def check_text(value: object) -> str:
    """Return the text of a message, cleaned and otherwise word for word.

    Raises:
        BadInput: it is missing, not text, empty, or over `MAX_MESSAGE_BYTES` of UTF-8.
    """
    if not isinstance(value, str):
        raise BadInput(f"The text is {json_type(value)}; write it as a string.")
    text = sanitise_text(value)
    size = len(text.encode())
    if not text.strip():
        raise BadInput("The text is empty.")
    if size > MAX_MESSAGE_BYTES:
        raise BadInput(f"The text has {size:,} bytes; the limit is {MAX_MESSAGE_BYTES:,}.")
    return text


def _role(record: Mapping[str, Any]) -> Role:
    for role in ROLES:
        if record.get("role") == role:
            return role
    raise BadInput(f"{_given(record, 'role')}; use one of {', '.join(ROLES)}.")


def _present(record: Mapping[str, Any], key: str) -> Any:
    if record.get(key) is None:
        raise BadInput(f"The {key} is missing.")
    return record[key]


def _given(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if isinstance(value, str):
        return f"The {key} {value[:40]!r} is not allowed"
    return f"The {key} is {json_type(value)}"
