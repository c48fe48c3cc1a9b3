"""Validate the body, the query and the path of a request."""

import json
from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_value

MAX_RESULTS = 10_000


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body, an empty one for an empty body.

    Raises:
        BadInput: the body is not a JSON object.
    """
    content = await request.body()
    try:
        body = sanitise_value(json.loads(content, parse_constant=_refuse_number)) if content else {}
    except (ValueError, RecursionError):
        raise BadInput("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadInput("The body is not a JSON object.")
    return body


def object_of(value: Any, name: str) -> dict[str, Any]:
    """Return a JSON object, an empty one for null.

    Raises:
        BadInput: the value is not a JSON object.
    """
    if value is not None and not isinstance(value, dict):
        raise BadInput(f"{name} is not a JSON object.")
    return value or {}


def number_of(value: Any, name: str, default: int, maximum: int) -> int:
    """Return a whole number from 0 to `maximum`, `default` for null.

    Raises:
        BadInput: the value is not such a number.
    """
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise BadInput(
            f"{name} {value!r:.40} is not allowed; write a number from 0 to {maximum:,}."
        )
    return value


def limit_of(request: Request, default: int) -> int:
    """Return the query parameter `limit`.

    Raises:
        BadInput: it is not a number from 1 to `MAX_RESULTS`.
    """
    text = request.query_params.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_RESULTS):
        raise BadInput(
            f"limit {text!r:.40} is not allowed; write a number from 1 to {MAX_RESULTS:,}."
        )
    return int(text)


def thread_id_of(value: Any) -> str:
    """Return the id of a thread in its canonical form.

    Raises:
        HTTPException: the value is not a UUID.
    """
    return _uuid_of(value, "thread_id")


def checkpoint_id_of(value: Any) -> str | None:
    """Return the id of a checkpoint, None for an empty value.

    Raises:
        HTTPException: the value is not a UUID.
    """
    return _uuid_of(value, "checkpoint_id") if value else None


def _uuid_of(value: Any, name: str) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise HTTPException(422, f"{name} {str(value)[:60]!r} is not a UUID.") from None


def _refuse_number(text: str) -> None:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{text} is not JSON")
