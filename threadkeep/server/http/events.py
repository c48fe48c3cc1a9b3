"""What a run streams to LangGraph's clients: server-sent events with JSON."""

from collections.abc import AsyncIterator
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from threadkeep.base.errors import ThreadkeepError

GRAPH_MODES = {"messages-tuple": "messages"}
"""Stream modes of the graph that have another name than the client's."""
MODES = ("values", "updates", "messages-tuple", "custom", "tasks", "checkpoints", "debug")
HEARTBEAT = "heartbeat"
"""The name of an event that only keeps the connection open."""


def json_of(value: Any) -> bytes:
    """Return a value as JSON; messages as objects with their fields."""
    try:
        return orjson.dumps(value, _as_json, orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        # For example a lone surrogate, of a model that stopped inside a character.
        return orjson.dumps(_with_valid_text(value), _as_json, orjson.OPT_NON_STR_KEYS)


def json_response(value: Any) -> Response:
    """Return a response with a value as JSON."""
    return Response(json_of(value), media_type="application/json")


def event(name: str, data: Any) -> bytes:
    """Return one server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + json_of(data) + b"\n\n"


def error_of(error: BaseException) -> dict[str, str]:
    """Return an error for the client: its kind and one sentence."""
    kind = type(error).__name__
    if isinstance(error, ThreadkeepError):
        return {"error": kind, "message": str(error)}
    return {"error": kind, "message": f"Something went wrong inside ({kind})."}


async def events_of(run_id: str, stream: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[bytes]:
    """Yield the events of a run; if it fails, the last one is the error."""
    yield event("metadata", {"run_id": run_id, "attempt": 1})
    try:
        async for mode, data in stream:
            yield b": heartbeat\n\n" if mode == HEARTBEAT else event(mode, data)
    except Exception as error:
        yield event("error", error_of(error))


def _as_json(value: Any) -> Any:
    """Return a value that orjson does not know as one that it knows."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _with_valid_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, BaseModel):
        return _with_valid_text(value.model_dump())
    if isinstance(value, dict):
        return {_with_valid_text(key): _with_valid_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_valid_text(item) for item in value]
    return value
