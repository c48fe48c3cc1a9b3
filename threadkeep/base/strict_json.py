"""Strict, bounded JSON input, limited to what databases and other programs can hold."""

import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text

MAX_DEPTH = 60
MAX_INTEGER = 2**53
"""Larger integers lose precision in programs that use floating point numbers."""


def parse_json(raw: bytes) -> Any:
    """Parse strict JSON.

    Raises:
        BadInput: it is not UTF-8, not JSON, nested too deep, or contains NaN or Infinity.
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
    """Return a JSON value with all its strings sanitised.

    Raises:
        BadInput: it is nested too deep, or contains an integer beyond `MAX_INTEGER`.
    """
    if depth > MAX_DEPTH:
        raise BadInput(f"It is nested more than {MAX_DEPTH} deep.")
    if isinstance(value, str):
        return sanitise_text(value)
    if isinstance(value, list):
        return [sanitise_json(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {sanitise_text(key): sanitise_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise BadInput(f"The number {str(value)[:20]}... is too large.")
    return value


def json_type(value: object) -> str:
    """Return the JSON type of `value` with its article, for error sentences."""
    names = {type(None): "missing", bool: "true or false", str: "a string", list: "a list"}
    return names.get(type(value)) or ("an object" if isinstance(value, dict) else "a number")


def raw_lines(file: IO[bytes], max_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield line numbers from 1 with their bytes; a longer line is cut to `max_bytes` + 1."""
    number = 0
    while raw := file.readline(max_bytes + 1):
        number += 1
        rest = raw
        while len(rest) > max_bytes and not rest.endswith(b"\n"):
            rest = file.readline(max_bytes + 1)
        yield number, raw


def _refuse_constant(name: str) -> NoReturn:
    raise BadInput(f"It holds {name}, which is not JSON.")
