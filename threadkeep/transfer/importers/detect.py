"""Detect the format of a file from its beginning."""

import re
import zipfile
from collections.abc import Sequence
from typing import IO, Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import parse_json
from threadkeep.transfer.export_format import SCHEMA
from threadkeep.transfer.importers.formats import FORMATS, Format
from threadkeep.transfer.importers.transcript import (
    READ_ERRORS,
    ImportPath,
    open_transcript,
    unreadable,
)

KEYS: tuple[tuple[Format, tuple[bytes, ...]], ...] = (
    ("chatgpt", (b'"mapping"',)),
    ("claude", (b'"chat_messages"',)),
    ("locomo", (b'"sample_id"', b'"conversation"')),
    ("gemini", (b'"titleUrl"', b'"products"')),
    ("gemini", (b'"header"', b'"title"', b'"time"')),
    ("mem0", (b'"memory"', b'"hash"')),
    ("mem0", (b'"memory"', b'"user_id"')),
    ("letta", (b'"agents"', b'"blocks"')),
    ("letta", (b'"agent_type"',)),
    ("letta", (b'"core_memory"',)),
)
"""Keys near the beginning of a JSON document that all together show its format."""
MESSAGE_KEYS = (b'"role"', b'"sender"', b'"from"', b'"type"', b'"role_type"', b'"message_type"')
HEAD_BYTES = 64_000
ZIP = b"PK\x03\x04"
BOM = b"\xef\xbb\xbf"
PAGE_REFUSAL = (
    "is a page of HTML, which is not read; export JSON instead "
    "(Google Takeout: My Activity, Multiple formats, JSON)."
)
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)


def detect_format(path: ImportPath) -> Format:
    """Return the format of a file.

    Raises:
        BadInput: it cannot be read, or its format is unknown.
    """
    with open_transcript(path) as file:
        if not file.seekable():
            raise BadInput(
                f"{str(path)!r} can be read only once, so its format is not looked for; "
                f"name it with --format ({', '.join(FORMATS)})."
            )
        head = _head(file, path)
    if head.startswith(ZIP):
        raise BadInput(f"{str(path)!r} is a damaged ZIP archive; download it again.")
    if _PAGE.match(head.removeprefix(BOM)):
        raise BadInput(f"{str(path)!r} {PAGE_REFUSAL}")
    return _detect(head)[0]


def recognised_format(path: ImportPath) -> Format | None:
    """Return the format of a file, None if it may be anything.

    Raises:
        BadInput: it cannot be read.
    """
    with open_transcript(path) as file:
        format_, is_sure = _detect(_head(file, path))
    return format_ if is_sure else None


def is_archive(path: ImportPath) -> bool:
    """Return whether a file is a ZIP archive."""
    try:
        return not isinstance(path, zipfile.Path) and path.is_file() and zipfile.is_zipfile(path)
    except OSError:
        return False


def _head(file: IO[bytes], path: ImportPath) -> bytes:
    try:
        return file.read(HEAD_BYTES)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def _detect(head: bytes) -> tuple[Format, bool]:
    """Return the format by the beginning of a file, and whether that is sure."""
    start = head.removeprefix(BOM).lstrip()
    if start.startswith(b"["):
        return _by_keys(start) or ("langchain", any(key in start for key in MESSAGE_KEYS))
    first_line, _, rest = start.partition(b"\n")
    record = _object(first_line)
    if record is None and not (first_line.strip() == b"{" or not rest.strip()):
        # An object over several lines that begins beside its brace, or no JSON at all.
        record = {} if start.startswith(b"{") and not rest.lstrip().startswith(b"{") else None
        if record is None:
            return "jsonl", False
    if record is not None and record.get("schema") == SCHEMA:
        return "export", True
    if record and "text" in record and ("thread" in record or "user" in record):
        return "jsonl", True
    if format_and_sure := _by_keys(start):
        return format_and_sure
    if _has_messages(record, start):
        return "langchain", True
    return "jsonl", False


def _by_keys(start: bytes) -> tuple[Format, bool] | None:
    formats = (format_ for format_, keys in KEYS if all(key in start for key in keys))
    format_ = next(formats, None)
    return None if format_ is None else (format_, True)


def _has_messages(record: dict[str, Any] | None, start: bytes) -> bool:
    """Return whether an object holds messages or is one, as a whole or on the first line."""
    if record:
        if isinstance(record.get("messages"), list) or "conversations" in record:
            return True
        return "content" in record and any(_name(key) in record for key in MESSAGE_KEYS)
    lists: Sequence[bytes] = (b'"messages"', b'"conversations"')
    return start.startswith(b"{") and any(key in start for key in lists)


def _name(key: bytes) -> str:
    return key.decode().strip('"')


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = parse_json(line)
    except BadInput:
        return None
    return value if isinstance(value, dict) else None
