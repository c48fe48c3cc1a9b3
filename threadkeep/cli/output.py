"""Write lines to stdout and notices to stderr."""

import json
import sys
from collections.abc import Iterable
from typing import Any


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout."""
    for line in lines:
        sys.stdout.write(f"{line}\n")


def print_notice(sentence: str) -> None:
    """Write one line to stderr."""
    print(f"threadkeep: {one_line(sentence)}", file=sys.stderr)  # noqa: T201


def json_line(value: Any) -> str:
    """Return a value as JSON in one line."""
    return json.dumps(value, ensure_ascii=False)


def one_line(text: str) -> str:
    """Return the text with each run of white space as one blank."""
    return " ".join(text.split())


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where necessary."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
