"""Conversations that were read from a file and validated, before anything is stored."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, get_args

from threadkeep.base.clock import as_local
from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json
from threadkeep.base.validation import MAX_MESSAGE_BYTES, sanitise_text

Role = Literal["user", "assistant", "system", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)
MAX_FILE_BYTES = 256_000_000
MAX_FAULTS = 20
ImportPath = Path | zipfile.Path
"""A file, or a member of a ZIP archive."""
READ_ERRORS = (
    *(OSError, ValueError, EOFError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading a damaged or encrypted file raises."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversation:
    """A conversation of another program, by which its thread is recognised later."""

    source: str
    """The program, such as "chatgpt"."""
    id: str | None = None
    """Its id there; None if the file has none."""
    version: tuple[str, int] = ("", 0)
    """The time of its newest change, ISO 8601, and how many messages it has on all branches."""
    is_complete: bool = False
    """Whether the file has all of its current branch, so that other messages are on others."""


@dataclass(frozen=True, kw_only=True)
class TranscriptMessage:
    """One valid message of a transcript."""

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
    """The message's id in the source, such as LoCoMo's `dia_id`."""
    conversation: Conversation | None = None
    """None: the thread of the file is the conversation."""
    utc_offset: int | None = None
    """The UTC offset that the time was written with, in minutes."""
    has_time: bool = True
    """Whether the file says when it was said; otherwise `time` is a guess."""


@dataclass(kw_only=True)
class Transcript:
    """The valid messages of a file, and the faults of the others."""

    messages: list[TranscriptMessage] = field(default_factory=list)
    malformed: int = 0
    """Lines, turns or conversations that are malformed."""
    faults: list[str] = field(default_factory=list)
    """The first `MAX_FAULTS` of them, each with its place."""
    notes: list[str] = field(default_factory=list)
    """What was left out on purpose, and why."""

    def extend(self, other: "Transcript") -> None:
        """Add the messages, faults and notes of another file."""
        self.messages += other.messages
        self.malformed += other.malformed
        self.faults = [*self.faults, *other.faults][:MAX_FAULTS]
        self.notes += other.notes

    def add_fault(self, place: str, reason: object) -> None:
        """Count something malformed, and note its place and reason."""
        self.malformed += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{place}: {reason}")


def open_transcript(path: ImportPath) -> IO[bytes]:
    """Open a file, or a member of a ZIP archive, for reading.

    Raises:
        BadInput: it is missing, a folder or a device, or not readable.
    """
    try:
        if isinstance(path, zipfile.Path):
            return path.open("rb")
        if path.exists() and not (path.is_file() or path.is_fifo()):
            kind = "a folder" if path.is_dir() else "a device"
            raise BadInput(f"{str(path)!r} is {kind}; name the file to import.")
        return path.open("rb")
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def file_time(path: ImportPath) -> datetime:
    """Return the modification time of a file, in whole seconds."""
    try:
        if isinstance(path, zipfile.Path):
            date_time = path.root.getinfo(path.at).date_time
            return as_local(datetime(*date_time)).astimezone(UTC)
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except (OSError, OverflowError, ValueError, KeyError):
        return datetime.fromtimestamp(0, UTC)


def read_bounded(path: ImportPath) -> bytes:
    """Return the content of a file.

    Raises:
        BadInput: it is missing, damaged, or has more than `MAX_FILE_BYTES`.
    """
    try:
        with open_transcript(path) as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error
    if len(raw) > MAX_FILE_BYTES:
        raise BadInput(f"{str(path)!r} has more than {MAX_FILE_BYTES:,} bytes; split it.")
    return raw


def read_list(path: ImportPath, *keys: str, single: str = "") -> list[Any]:
    """Return the JSON list in a file, or the list under one of `keys` of its object.

    An object with the key `single` is a list of one.

    Raises:
        BadInput: the file is missing, damaged, too large, or holds no list.
    """
    raw = read_bounded(path)
    if not raw.strip():
        return []
    try:
        records = parse_json(raw)
    except BadInput as error:
        raise BadInput(f"{str(path)!r} cannot be imported: {error}") from error
    if isinstance(records, dict):
        if single and single in records:
            return [records]
        for key in (*keys, "conversations"):
            if isinstance(records.get(key), list):
                return list(records[key])
    if not isinstance(records, list):
        raise BadInput(f"{str(path)!r} is {json_type(records)}, not a list of conversations.")
    return records


def unreadable(path: ImportPath, error: Exception) -> BadInput:
    """Return the error about a file that cannot be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return BadInput(f"{str(path)!r} cannot be read ({reason}); name another file.")


def split_text(text: str) -> Iterator[str]:
    """Yield a text in parts that each fit in one message, split at line ends or spaces."""
    rest = text
    while len(rest.encode()) > MAX_MESSAGE_BYTES:
        head = rest.encode()[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        cut = max(head.rfind("\n"), head.rfind(" ") if "\n" not in head else -1)
        head = head[: cut + 1] if cut > 0 and head[:cut].strip() else head
        if head.strip():
            yield head
        rest = rest[len(head) :]
    if rest.strip():
        yield rest


def validate_text(value: object) -> str:
    """Return the sanitised text of a message.

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
