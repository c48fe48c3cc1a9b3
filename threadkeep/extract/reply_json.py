"""JSON in a model's reply, in any wrapping: prose, fences, tags, strings, defects."""

import json
import re
from collections.abc import Iterator
from typing import Any

MAX_STARTS = 200
"""Places at which a JSON value is looked for; prose has many brackets."""
MAX_REPAIR_CHARACTERS = 16_000
"""The repair of JSON takes quadratic time at worst."""
MAX_NESTED = 3
"""JSON in a string in JSON."""
_REASONING_END = re.compile(r"</\s*(?:think|thinking|thought|reasoning)\s*>", re.IGNORECASE)
_decoder = json.JSONDecoder(strict=False)


def json_values(text: str) -> Iterator[Any]:
    """Yield the JSON objects and lists in `text`, then what a repair makes of it.

    What stands before the end of reasoning is no part of the answer.
    """
    answer = _REASONING_END.split(text)[-1]
    yield from _valid_values(answer)
    # What was cut off inside of a record would be taken for the whole of it.
    start, end = _next_start(answer, 0), answer.rfind("}", 0, MAX_REPAIR_CHARACTERS)
    if 0 <= start < end:
        yield from _repaired(answer[start : end + 1])


def unwrap(value: Any) -> Any:
    """Return the JSON value that a string holds, and any other value as it is."""
    for _ in range(MAX_NESTED):
        if not isinstance(value, str):
            break
        value = next(_valid_values(value), None)
    return value


def _valid_values(text: str) -> Iterator[Any]:
    position = 0
    for _ in range(MAX_STARTS):
        if (start := _next_start(text, position)) < 0:
            return
        try:
            value, position = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            position = start + 1
        else:
            yield value


def _next_start(text: str, position: int) -> int:
    starts = (text.find(bracket, position) for bracket in "{[")
    return min((start for start in starts if start >= 0), default=-1)


def _repaired(text: str) -> Iterator[Any]:
    from json_repair import loads

    try:
        value = loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return
    yield value
    yield from value if isinstance(value, list) else ()
