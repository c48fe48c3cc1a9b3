"""JSON from outside, strict and bounded: what databases and other programs can hold too."""

import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text

DEEPEST = 60
LARGEST = 2**53
"""Whole numbers beyond are not the same in every program."""


def parse_json(raw: bytes) -> Any:
    """Return the value that `raw` writes down in strict JSON.

    Raises:
        BadInput: it is not UTF-8, not JSON, nested too deep, or holds NaN or Infinity.
    """
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BadInput(f"It is not UTF-8 (byte {error.start + 1:,}).") from error
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}"
        raise BadInput(f"It is not JSON ({error.msg}, {place}).") from error
    except RecursionError as error:
        raise BadInput("It is nested too deep.") from error
    except ValueError as error:
        raise BadInput("It holds a number with too many digits.") from error


def sanitise_json(value: Any, depth: int = 0) -> Any:
    """Return a JSON value whose texts hold nothing that stores refuse.

    Raises:
        BadInput: it is nested too deep, or holds a whole number that no database takes.
    """
    if depth > DEEPEST:
        raise BadInput(f"It is nested more than {DEEPEST} deep.")
    if isinstance(value, str):
        return sanitise_text(value)
    if isinstance(value, list):
        return [sanitise_json(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {sanitise_text(key): sanitise_json(each, depth + 1) for key, each in value.items()}
    if isinstance(value, int) and abs(value) > LARGEST:
        raise BadInput(f"The number {str(value)[:20]}... is too large.")
    return value


def json_type(value: object) -> str:
    """Return what JSON calls the type of `value`, with its article."""
    names = {type(None): "missing", bool: "true or false", str: "a string", list: "a list"}
    return names.get(type(value)) or ("an object" if isinstance(value, dict) else "a number")


def raw_lines(file: IO[bytes], longest: int) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number, from 1; of one too long only `longest` + 1 bytes."""
    number = 0
    while raw := file.readline(longest + 1):
        number += 1
        rest = raw
        while len(rest) > longest and not rest.endswith(b"\n"):
            rest = file.readline(longest + 1)
        yield number, raw


def _refuse_constant(name: str) -> NoReturn:
    raise BadInput(f"It holds {name}, which is not JSON.")
