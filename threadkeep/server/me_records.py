"""Read a user's own memory over HTTP as rows of `Memory`, and restore an export."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import IO, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.server.access import IMPORT
from threadkeep.server.me import LIMIT
from threadkeep.server.me_threads import thread_context
from threadkeep.server.openapi import described
from threadkeep.server.request import request_context
from threadkeep.server.request_values import limit_of

ROW_LIMIT: tuple[dict[str, Any], str] = (LIMIT, "The maximum number of rows.")
SEARCH_LIMIT: tuple[dict[str, Any], str] = ({**LIMIT, "default": 10}, ROW_LIMIT[1])


@described(
    "The newest messages of a thread, in their order",
    "The `messages`, each with `id`, `role`, `text` and `time`.",
    limit=ROW_LIMIT,
)
async def messages(request: Request) -> JSONResponse:
    """List the messages of a thread."""
    limit, ctx = limit_of(request, 100), await thread_context(request)
    rows = await ctx.memory.messages(ctx.thread, limit, user_id=ctx.user_id)
    return JSONResponse({"messages": rows})


@described(
    "What answers a query, the best match first",
    "The `memories`: messages, entities and facts, each with its `kind` and `score`.",
    query=({"type": "string"}, "What to search for."),
    limit=SEARCH_LIMIT,
)
async def search(request: Request) -> JSONResponse:
    """Search the user's memory."""
    ctx, limit = request_context(request), limit_of(request, 10)
    query = request.query_params.get("query", "")
    return JSONResponse({"memories": await ctx.memory.search(query, limit, user_id=ctx.user_id)})


@described(
    "The facts that are known, sorted by their subjects",
    "The `facts`.",
    limit=ROW_LIMIT,
    history=({"type": "boolean", "default": False}, "Also what is over, and what was corrected."),
    as_of=({"type": "string"}, "When they hold: a year, a month, a day or a moment; now."),
    told_by=({"type": "string"}, "Leaves out what was said after this time."),
    about=({"type": "string"}, "The name of a subject or an object."),
)
async def facts(request: Request) -> JSONResponse:
    """List facts."""
    ctx, limit = request_context(request), limit_of(request, 100)
    params = request.query_params
    history = params.get("history", "false")
    if history not in ("true", "false"):
        raise BadInput(f"history {history!r:.40} is not allowed; use true or false.")
    rows = await ctx.memory.facts(
        limit,
        history=history == "true",
        as_of=params.get("as_of"),
        told_by=params.get("told_by"),
        about=params.get("about"),
        user_id=ctx.user_id,
    )
    return JSONResponse({"facts": rows})


@described(
    "The people, places and things that are known, the most mentioned first",
    "The `entities`.",
    limit=ROW_LIMIT,
)
async def entities(request: Request) -> JSONResponse:
    """List entities."""
    ctx, limit = request_context(request), limit_of(request, 100)
    return JSONResponse({"entities": await ctx.memory.entities(limit, user_id=ctx.user_id)})


@described(
    "Restore an export, sent as the body; repeating it changes nothing",
    "How many `messages` and `threads` the file has, and how many messages are `new`.",
)
async def import_export(request: Request) -> JSONResponse:
    """Restore an export into the user's memory."""
    ctx = request_context(request)
    async with _temporary_file() as file:
        async for chunk in request.stream():
            await asyncio.to_thread(file.write, chunk)
        result = await ctx.memory.restore(file, user_id=ctx.user_id)
    return JSONResponse(asdict(result))


@asynccontextmanager
async def _temporary_file() -> AsyncIterator[IO[bytes]]:
    # In threads: the file system may block.
    file = await asyncio.to_thread(TemporaryFile)
    try:
        yield file
    finally:
        await asyncio.to_thread(file.close)


routes = [
    Route("/me/threads/{thread_id}/messages", messages),
    Route("/me/search", search),
    Route("/me/facts", facts),
    Route("/me/entities", entities),
    Route(IMPORT, import_export, methods=["POST"]),
]
