"""Read JSON that every database and every encoder accepts."""

import json
import math
from typing import Any

from threadkeep.base.errors import BadInput

MAX_DEPTH = 100
"""orjson, which writes stored values, refuses more than 254 levels."""
MAX_INTEGER = 2**63


def parse_json(content: bytes) -> Any:
    """Return a JSON document; the strings are not sanitised yet.

    Raises:
        BadInput: the content is not JSON, or holds what a database cannot store.
    """
    try:
        value = json.loads(
            content, parse_constant=_refuse, parse_int=_integer, parse_float=_finite_number
        )
    except BadInput:
        raise
    except (ValueError, RecursionError):
        raise BadInput("The body is not JSON.") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Refuse a value that is nested too deeply.

    Raises:
        BadInput: it has more than `MAX_DEPTH` levels.
    """
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise BadInput(f"The body is nested more than {MAX_DEPTH} levels deep; flatten it.")
        level = [child for item in level for child in _children(item)]
        depth += 1


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _refuse(text: str) -> float:
    raise BadInput(f"The body is not JSON: {text} is not a number there; send null or text.")


def _integer(text: str) -> int:
    number = int(text) if len(text) <= len(str(MAX_INTEGER)) + 1 else MAX_INTEGER
    if not -MAX_INTEGER <= number < MAX_INTEGER:
        raise BadInput(f"The number {text[:30]} exceeds 64 bits; send it as text.")
    return number


def _finite_number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise BadInput(f"The number {text[:30]} is too large; send it as text.")
    return number
