"""A user's own memory over HTTP: threads, entities and facts, usage, export."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.knowledge.listing import Row
from threadkeep.server.openapi import described
from threadkeep.server.request import request_context
from threadkeep.server.request_values import MAX_RESULTS, limit_of
from threadkeep.server.threads import read_thread
from threadkeep.stores.namespaces import user_key
from threadkeep.stores.usage import group_usage, read_usage, sum_usage

LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_RESULTS, "default": 100}


@described(
    "Your threads, the last used first, with the ids that other routes take",
    "`threads`, each with `thread_id`, `name`, `turns`, `created` and `last_used`.",
    limit=(LIMIT, "The maximum number of threads."),
    name=(
        {"type": "string"},
        "Only the thread of this name, with the id that it has or will have.",
    ),
)
async def threads(request: Request) -> JSONResponse:
    """List the user's threads."""
    ctx = request_context(request)
    if (name := request.query_params.get("name")) is not None:
        thread = await ctx.memory.thread(name, user_id=ctx.user_id)
        row = await read_thread(ctx.memory, ctx.user_id, thread.id)
        rows = [row or {"id": thread.id, "name": thread.name, "turns": 0}]
    else:
        rows = await ctx.memory.threads(limit_of(request, 100), user_id=ctx.user_id)
    return JSONResponse({"threads": [_renamed(row, "id", "thread_id") for row in rows]})


@described(
    "The entities and facts that are known about you and your world",
    "`entities` and `facts`.",
    limit=(LIMIT, "The maximum number of entities, and of facts."),
)
async def memories(request: Request) -> JSONResponse:
    """List entities, and facts with those that were replaced."""
    ctx, limit = request_context(request), limit_of(request, 100)
    entities = await ctx.memory.entities(limit, user_id=ctx.user_id)
    facts = await ctx.memory.facts(limit, history=True, user_id=ctx.user_id)
    rows = {"entities": entities, "facts": facts}
    return JSONResponse({name: [_without_kind(row) for row in rows[name]] for name in rows})


@described(
    "The tokens that your calls to models used",
    "The sums under `usage`, and the `total`.",
    by=({"enum": ["day", "thread", "purpose"], "default": "day"}, "What to group by."),
)
async def usage(request: Request) -> JSONResponse:
    """Return sums of usage, those of threads by their ids."""
    ctx = request_context(request)
    by: Any = request.query_params.get("by", "day")
    if by not in ("day", "thread", "purpose"):
        raise BadInput(f"by {by!r:.60} is not allowed; use day, thread or purpose.")
    # Memory.usage names threads; clients of a server know them by their ids.
    records = await read_usage(ctx.memory.store, await user_key(ctx.memory.store, ctx.user_id))
    sums = group_usage(records, by)
    return JSONResponse({"by": by, "usage": sums, "total": sum_usage(sums.values())})


@described(
    "All your data, as JSON lines that `threadkeep import` reads",
    "A header, one line for each record, and a last line that proves the file is complete.",
    thread=({"type": "string"}, "Only the thread of this name."),
)
async def export(request: Request) -> StreamingResponse:
    """Export the user's data."""
    ctx = request_context(request)
    lines = ctx.memory.export(request.query_params.get("thread"), user_id=ctx.user_id)
    return StreamingResponse(await _started(lines), media_type="application/x-ndjson")


def _renamed(row: Row, name: str, new: str) -> Row:
    return {new if key == name else key: value for key, value in row.items()}


def _without_kind(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "kind"}


async def _started(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Wait for the first line, so that its error becomes the response; return all lines."""
    first = await anext(lines)

    async def all_lines() -> AsyncIterator[str]:
        yield first
        async for line in lines:
            yield line

    return all_lines()


routes = [
    Route("/me/threads", threads),
    Route("/me/memories", memories),
    Route("/me/usage", usage),
    Route("/me/export", export),
]
