"""Read and take in a user's own memory over HTTP: rows as the library returns them."""

import asyncio
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.server.access import IMPORT
from threadkeep.server.me import LIMIT, limit_of
from threadkeep.server.me_threads import thread_of
from threadkeep.server.openapi import described
from threadkeep.server.shared_memory import current_memory

AT_MOST: tuple[dict[str, Any], str] = (LIMIT, "At most so many.")


@described(
    "The newest messages of a thread, in their order",
    "The `messages`, each with `id`, `role`, `text` and `time`.",
    limit=AT_MOST,
)
async def messages(request: Request) -> JSONResponse:
    """List the messages of a thread."""
    limit = limit_of(request, 100)
    memory, user, thread = await thread_of(request)
    try:
        rows = await memory.messages(thread, limit, user_id=user)
    except BadInput as error:
        return JSONResponse({"detail": str(error)}, 404)
    return JSONResponse({"messages": rows})


@described(
    "What answers a query, the best first",
    "The `memories`: messages, entities and facts, each with its `kind` and `score`.",
    query=({"type": "string"}, "What to look for."),
    limit=AT_MOST,
)
async def search(request: Request) -> JSONResponse:
    """Search the user's memory."""
    query, limit = request.query_params.get("query", ""), limit_of(request, 10)
    rows = await current_memory().search(query, limit, user_id=_user(request))
    return JSONResponse({"memories": rows})


@described(
    "The facts that are known, by what they are about",
    "The `facts`.",
    limit=AT_MOST,
    superseded=({"type": "boolean", "default": False}, "Also those that were replaced."),
)
async def facts(request: Request) -> JSONResponse:
    """List facts."""
    value = request.query_params.get("superseded", "false")
    if value not in ("true", "false"):
        raise BadInput(f"superseded {value!r:.40} is not allowed; use true or false.")
    rows = await current_memory().facts(
        limit_of(request, 100), superseded=value == "true", user_id=_user(request)
    )
    return JSONResponse({"facts": rows})


@described(
    "The people, places and things that are known, the most mentioned first",
    "The `entities`.",
    limit=AT_MOST,
)
async def entities(request: Request) -> JSONResponse:
    """List entities."""
    rows = await current_memory().entities(limit_of(request, 100), user_id=_user(request))
    return JSONResponse({"entities": rows})


@described(
    "Take in an export, sent as the body; doing it again changes nothing",
    "How many `messages` and `threads` the file has, and how many messages are `new`.",
)
async def import_export(request: Request) -> JSONResponse:
    """Restore an export into the user's memory."""
    with TemporaryFile() as file:
        async for chunk in request.stream():
            await asyncio.to_thread(file.write, chunk)
        restored = await current_memory().restore(file, user_id=_user(request))
    return JSONResponse(asdict(restored))


def _user(request: Request) -> str:
    return str(request.user.identity)


routes = [
    Route("/me/threads/{thread_id}/messages", messages),
    Route("/me/search", search),
    Route("/me/facts", facts),
    Route("/me/entities", entities),
    Route(IMPORT, import_export, methods=["POST"]),
]
