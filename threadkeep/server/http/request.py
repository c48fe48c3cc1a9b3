"""What a route of the production server works with: who asks, and what is open."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from starlette.exceptions import HTTPException
from starlette.requests import Request

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text
from threadkeep.graph.context import Context
from threadkeep.memory import Memory
from threadkeep.server.http.runs import Runs

GRAPH = "agent"
ASSISTANT = str(uuid5(UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), GRAPH))
"""The id that LangGraph's server gives the assistant it makes of the graph."""


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """One request's user, and what it may use."""

    user: str
    memory: Memory
    runs: Runs
    assistants = (GRAPH, ASSISTANT)

    @property
    def context(self) -> Context:
        """The user alone."""
        return Context(user_id=self.user)

    def not_found_error(self, thread: str) -> HTTPException:
        """Return what is told of a thread that is not there, or is another user's."""
        return HTTPException(404, f"Thread with ID {thread} not found")


def request_context(request: Request) -> RequestContext:
    """Return who asks."""
    state = request.app.state
    return RequestContext(
        user=str(request.user.identity),
        memory=state.memory,
        runs=state.runs,
    )


async def body_of(request: Request) -> dict[str, Any]:
    """Return the object that a request brings, an empty one for nothing.

    Raises:
        BadInput: it is something else.
    """
    body = await request.body()
    try:
        body = _cleaned(json.loads(body, parse_constant=_refuse_number)) if body else {}
    except (ValueError, RecursionError):
        raise BadInput("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise BadInput("The body is no JSON object.")
    return body


def object_of(value: Any, name: str) -> dict[str, Any]:
    """Return a JSON object, an empty one for nothing.

    Raises:
        BadInput: it is something else.
    """
    if value is not None and not isinstance(value, dict):
        raise BadInput(f"{name} is no JSON object.")
    return value or {}


def checkpoint_of(value: Any) -> str | None:
    """Return the id of a checkpoint, or None for none.

    Raises:
        HTTPException: it is no UUID.
    """
    if not value:
        return None
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise HTTPException(422, f"checkpoint_id {str(value)[:60]!r} is no UUID.") from None


def number_of(value: Any, name: str, usual: int, most: int) -> int:
    """Return a whole number from 0 to `most`.

    Raises:
        BadInput: it is none.
    """
    value = usual if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadInput(f"{name} {value!r:.40} is not allowed; write a number from 0 to {most:,}.")
    return value


def thread_id_of(value: Any) -> str:
    """Return the id of a thread, as it is written everywhere.

    Raises:
        HTTPException: it is no UUID.
    """
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise HTTPException(422, f"thread_id {str(value)[:60]!r} is no UUID.") from None


def _refuse_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _cleaned(value: Any) -> Any:
    """Return a value whose texts every database takes."""
    if isinstance(value, str):
        return sanitise_text(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {sanitise_text(name): _cleaned(item) for name, item in value.items()}
    return value
