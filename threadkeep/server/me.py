"""A user's own memory over HTTP: the same as the terminal shows."""

from collections.abc import AsyncIterator
from typing import Any

from langgraph.store.base import BaseStore
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.thread_records import list_records
from threadkeep.memory import Memory
from threadkeep.server.erase_user import forget_user
from threadkeep.server.openapi import described
from threadkeep.server.shared_memory import current_memory
from threadkeep.stores.namespaces import entities_of, facts_of, thread_id_for, threads_of, user_key
from threadkeep.stores.usage import group_usage, read_usage, sum_usage

MOST = 10_000
LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100}
HIDDEN = ("last_message", "changed", "corrected")


async def _user_of(request: Request) -> tuple[Memory, str, str]:
    memory, user = current_memory(), str(request.user.identity)
    return memory, user, await user_key(memory.opened.store, user)


@described(
    "Your threads, the last used first, with the ids that other routes take",
    "`threads`, each with `thread_id`, `name`, `turns`, `created` and `last_used`.",
    limit=(LIMIT, "At most so many."),
    name=(
        {"type": "string"},
        "The thread of this name alone, with the id it has or will have.",
    ),
)
async def threads(request: Request) -> JSONResponse:
    """List your threads."""
    memory, _, key = await _user_of(request)
    store = memory.store
    if (name := request.query_params.get("name")) is not None:
        thread = thread_id_for(key, validate_id(name, "thread"))
        record = await store.aget(threads_of(key), thread, refresh_ttl=False)
        text = _row(record.value) if record else {}
        row = {"thread_id": thread, "name": name, "turns": 0, **text}
        return JSONResponse({"threads": [row]})
    records = await list_records(store, threads_of(key), limit_of(request, 100))
    return JSONResponse({"threads": [{"thread_id": r.key} | _row(r.value) for r in records]})


@described(
    "The entities and facts that are known of your world",
    "`entities` and `facts`.",
    limit=(LIMIT, "At most so many of each."),
)
async def memories(request: Request) -> JSONResponse:
    """List what is known."""
    memory, _, key = await _user_of(request)
    limit = limit_of(request, 100)
    return JSONResponse(
        {
            "entities": await _items(memory.store, entities_of(key), limit),
            "facts": await _items(memory.store, facts_of(key), limit),
        }
    )


@described(
    "What your calls to the model took, in tokens",
    "The sums under `usage`, and the `total`.",
    by=({"enum": ["day", "thread", "purpose"], "default": "day"}, "What is summed up."),
)
async def usage(request: Request) -> JSONResponse:
    """Tell what calls to models took."""
    memory, _, key = await _user_of(request)
    by: Any = request.query_params.get("by", "day")
    if by not in ("day", "thread", "purpose"):
        raise BadInput(f"by {by!r:.60} is not allowed; use day, thread or purpose.")
    summed = group_usage(await read_usage(memory.store, key), by)
    return JSONResponse({"by": by, "usage": summed, "total": sum_usage(summed.values())})


@described(
    "All that is kept of you, as JSON lines that `threadkeep import` reads",
    "A header, a line for each thing, and an end that seals the file.",
    thread=({"type": "string"}, "The thread of this name alone."),
)
async def export(request: Request) -> StreamingResponse:
    """Export everything."""
    memory, user, _ = await _user_of(request)
    thread = request.query_params.get("thread")
    lines = memory.export(thread, user_id=user)
    return StreamingResponse(await _after_first(lines), media_type="application/x-ndjson")


@described("Forget all that is kept of you, and your tokens", "The receipt.")
async def erase(request: Request) -> JSONResponse:
    """Erase everything."""
    memory, user, _ = await _user_of(request)
    return JSONResponse(await forget_user(memory, user))


def limit_of(request: Request, usual: int) -> int:
    """Return how many are asked for.

    Raises:
        BadInput: it is no number from 1 to `MOST`.
    """
    text = request.query_params.get("limit", str(usual))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise BadInput(f"limit {text!r:.40} is not allowed; write a number from 1 to {MOST:,}.")
    return int(text)


def _row(value: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in HIDDEN}


async def _items(store: BaseStore, namespace: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    items = await store.asearch(namespace, limit=limit, refresh_ttl=False)
    return [{"id": item.key} | item.value for item in items]


async def _after_first(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Return the lines after the first is there, so that what refuses them is answered as such."""
    first = await anext(lines)

    async def all_of_them() -> AsyncIterator[str]:
        yield first
        async for line in lines:
            yield line

    return all_of_them()


routes = [
    Route("/me/threads", threads),
    Route("/me/memories", memories),
    Route("/me/usage", usage),
    Route("/me/export", export),
    Route("/me", erase, methods=["DELETE"]),
]
