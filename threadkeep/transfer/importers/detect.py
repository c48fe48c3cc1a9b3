"""Detect the format of a file from its beginning."""

from pathlib import Path
from typing import IO, Literal, get_args

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import parse_json
from threadkeep.transfer.export_format import SCHEMA
from threadkeep.transfer.importers.transcript import open_transcript

Format = Literal["export", "jsonl", "chatgpt", "langchain", "locomo"]
FORMATS: tuple[Format, ...] = get_args(Format)
LIST_KEYS: tuple[tuple[Format, tuple[bytes, ...]], ...] = (
    ("chatgpt", (b'"mapping"',)),
    ("locomo", (b'"sample_id"', b'"conversation"', b'"qa"')),
)
"""Keys near the beginning of a JSON list that show its format; other lists are LangChain's."""
HEAD_BYTES = 64_000
ZIP = b"PK\x03\x04"
BOM = b"\xef\xbb\xbf"


def detect_format(path: Path) -> Format:
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
        return _detect(file, str(path))


def _detect(file: IO[bytes], name: str) -> Format:
    head = file.read(HEAD_BYTES)
    if head.startswith(ZIP):
        raise BadInput(f"{name!r} is a ZIP archive; unpack it and name conversations.json in it.")
    start = head.removeprefix(BOM).lstrip()
    if start.startswith(b"["):
        return _detect_list(start)
    line = start.partition(b"\n")[0]
    if b"\n" not in start.strip() and len(head) == HEAD_BYTES:
        return "langchain" if b'"messages"' in line else "jsonl"
    try:
        first = parse_json(line)
    except BadInput:
        # An object over several lines.
        return "langchain" if b'"messages"' in start else "jsonl"
    if not isinstance(first, dict):
        return "jsonl"
    if first.get("schema") == SCHEMA:
        return "export"
    return "langchain" if isinstance(first.get("messages"), list) else "jsonl"


def _detect_list(start: bytes) -> Format:
    for format_, keys in LIST_KEYS:
        if any(key in start for key in keys):
            return format_
    return "langchain"
