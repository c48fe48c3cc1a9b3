"""What a run streams, as LangGraph's clients read it: server-sent events of JSON."""

from collections.abc import AsyncIterator
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson
from pydantic import BaseModel

from threadkeep.base.errors import ThreadkeepError

NAMES = {"messages-tuple": "messages"}
"""Stream modes that the graph calls otherwise than a client does."""
MODES = ("values", "updates", "messages-tuple", "custom", "tasks", "checkpoints", "debug")


def json_of(value: Any) -> bytes:
    """Return a value as JSON; messages as the fields they have."""
    try:
        return orjson.dumps(value, _plain, orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        # Half a character, say, of a model that stopped in its middle.
        return orjson.dumps(_cleaned(value), _plain, orjson.OPT_NON_STR_KEYS)


def event(name: str, data: Any) -> bytes:
    """Return one event."""
    return b"event: " + name.encode() + b"\ndata: " + json_of(data) + b"\n\n"


def error_of(error: BaseException) -> dict[str, str]:
    """Return what a client is told of an error: its kind, and one sentence."""
    kind = type(error).__name__
    if isinstance(error, ThreadkeepError):
        return {"error": kind, "message": str(error)}
    return {"error": kind, "message": f"Something went wrong inside ({kind})."}


async def events_of(
    run_id: str, stream: AsyncIterator[tuple[str, Any]], heartbeat: bytes = b": heartbeat\n\n"
) -> AsyncIterator[bytes]:
    """Yield the events of a run; an error in it is the last of them."""
    yield event("metadata", {"run_id": run_id, "attempt": 1})
    try:
        async for mode, data in stream:
            yield heartbeat if mode == "heartbeat" else event(mode, data)
    except Exception as error:
        yield event("error", error_of(error))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, BaseModel):
        return _cleaned(value.model_dump())
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
