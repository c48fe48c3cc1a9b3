"""Validate the body, the query and the path of a request."""

from typing import Any
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_value
from threadkeep.server.json_body import parse_json

MAX_RESULTS = 10_000


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body, an empty one for an empty body.

    Raises:
        BadInput: the body is not a JSON object.
    """
    content = await request.body()
    body = sanitise_value(parse_json(content)) if content else {}
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


def number_of(value: Any, name: str, default: int, maximum: int, minimum: int = 0) -> int:
    """Return a whole number from `minimum` to `maximum`, `default` for null.

    Raises:
        BadInput: the value is not such a number.
    """
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise BadInput(
            f"{name} {value!r:.40} is not allowed; write a number from {minimum} to {maximum:,}."
        )
    return value


def flag_of(request: Request, name: str) -> bool:
    """Return a query parameter that is true or false, and false where it is absent.

    Raises:
        BadInput: it is something else.
    """
    text = request.query_params.get(name, "false").lower()
    if text not in ("true", "false"):
        raise BadInput(f"{name} {text!r:.40} is not allowed; use true or false.")
    return text == "true"


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
