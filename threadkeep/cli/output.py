"""Write lines to stdout and notices to stderr; on a terminal no text controls it."""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

INVISIBLE = re.compile("[\u061c\u200e\u200f]")
"""Marks of direction, which change nothing beside them."""
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\U000e0001]"
)
"""What a terminal, or the order of what it shows, may obey; newline and tab are harmless."""
JSON_CONTROLS = re.compile(f"{INVISIBLE.pattern}|{CONTROLS.pattern}")


class TextWriter:
    """Writes pieces of a text to a stream; on a terminal with its controls as visible escapes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._carriage_return = ""
        """One that ended the last piece: it belongs to a newline, or is a control."""

    def write(self, piece: str) -> None:
        """Write a piece, wherever the text is cut."""
        if self._is_terminal:
            piece = self._carriage_return + piece
            self._carriage_return = "\r" if piece.endswith("\r") else ""
            piece = inert(piece.removesuffix("\r"))
        self._stream.write(_encodable(piece))

    def close(self) -> None:
        """Write what was held back."""
        self._stream.write(inert(self._carriage_return))
        self._carriage_return = ""


def inert(text: str) -> str:
    """Return a text without effect on a terminal: each control as a visible escape."""
    text = INVISIBLE.sub("", text.replace("\r\n", "\n"))
    return CONTROLS.sub(_visible, text)


def write_text(text: str, stream: TextIO | None = None) -> None:
    """Write a text to stdout, or to another stream."""
    writer = TextWriter(stream or sys.stdout)
    writer.write(text)
    writer.close()


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout."""
    writer = TextWriter(sys.stdout)
    for line in lines:
        writer.write(f"{line}\n")


def print_notice(sentence: str) -> None:
    """Write one line to stderr."""
    write_text(f"threadkeep: {one_line(sentence)}\n", sys.stderr)


def json_line(value: Any) -> str:
    """Return a value as JSON in one line, with controls as escapes of JSON."""
    return json_text(json.dumps(value, ensure_ascii=False))


def json_text(text: str) -> str:
    """Return JSON with controls as escapes; they stand in strings alone."""
    return JSON_CONTROLS.sub(_json_escape, text) if not text.isascii() or "\x7f" in text else text


def one_line(text: str) -> str:
    """Return the text with each run of white space as one blank."""
    return " ".join(text.split())


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where necessary."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def minute_of(time: str) -> str:
    """Return an ISO 8601 time as date and minute."""
    return time[:16].replace("T", " ")


def _visible(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _json_escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1].replace("\x7f", "\\u007f")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
