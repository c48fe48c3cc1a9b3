"""Read a user's own memory over HTTP as rows of `Memory`, and import files into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import IO, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.validation import sanitise_text
from threadkeep.server.access import IMPORT
from threadkeep.server.me import LIMIT
from threadkeep.server.me_threads import thread_context
from threadkeep.server.openapi import described
from threadkeep.server.request import request_context
from threadkeep.server.request_values import flag_of, limit_of
from threadkeep.transfer.importers.formats import FORMATS

ROW_LIMIT: tuple[dict[str, Any], str] = (LIMIT, "The maximum number of rows.")
FLAG = {"type": "boolean", "default": False}
MAX_NAME_CHARACTERS = 200
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
    history=(FLAG, "Also what is over, and what was corrected."),
    as_of=({"type": "string"}, "When they hold: a year, a month, a day or a moment; now."),
    told_by=({"type": "string"}, "Leaves out what was said after this time."),
    about=({"type": "string"}, "The name of a subject or an object."),
)
async def facts(request: Request) -> JSONResponse:
    """List facts."""
    ctx, limit = request_context(request), limit_of(request, 100)
    params = request.query_params
    rows = await ctx.memory.facts(
        limit,
        history=flag_of(request, "history"),
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
    "Import a file of any format of `threadkeep import`, or a ZIP archive, sent as the body",
    "How many `messages` and `threads` the file has, how many messages are `new`, how many were "
    "`forgotten` before and stay out, and what was left out and why: `faults`, `notes`.",
    format=({"type": "string", "enum": list(FORMATS)}, "It is seen in the file otherwise."),
    thread=({"type": "string"}, "The name of the thread of a list of messages."),
    name=({"type": "string"}, "What error sentences call the file."),
    skip_bad=(FLAG, "Leave malformed lines out."),
    again=(FLAG, "Take in also what was forgotten before."),
)
async def import_file(request: Request) -> JSONResponse:
    """Import a file into the user's memory; repeating it changes nothing."""
    ctx, params = request_context(request), request.query_params
    again, skip_bad = flag_of(request, "again"), flag_of(request, "skip_bad")
    name = sanitise_text(params.get("name") or "the file")[:MAX_NAME_CHARACTERS]
    format_ = params.get("format")
    async with _temporary_file() as file:
        async for chunk in request.stream():
            await asyncio.to_thread(file.write, chunk)
        if format_ == "export":
            result = asdict(
                await ctx.memory.restore(file, name=name, again=again, user_id=ctx.user_id)
            )
        else:
            result = asdict(
                await ctx.memory.import_file(
                    file,
                    name=name,
                    format=format_,
                    thread=params.get("thread"),
                    skip_bad=skip_bad,
                    again=again,
                    user_id=ctx.user_id,
                )
            )
    return JSONResponse(result)


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
    Route(IMPORT, import_file, methods=["POST"]),
]
