"""Create, search, count, read, change and delete threads."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.checkpoints.thread_records import NO_LIMIT
from threadkeep.knowledge.listing import Row
from threadkeep.server.http.client_threads import (
    client_thread,
    create_thread,
    merge_metadata,
    metadata_of,
    own_thread,
)
from threadkeep.server.request import RequestContext, request_context
from threadkeep.server.request_values import body_of, number_of, object_of, thread_id_of
from threadkeep.server.threads import read_thread

MAX_RESULTS = 1_000


async def create(request: Request) -> Response:
    """Create a thread."""
    ctx, body = request_context(request), await body_of(request)
    thread_id = thread_id_of(body["thread_id"]) if body.get("thread_id") else None
    metadata = object_of(body.get("metadata"), "metadata")
    if (
        thread_id
        and body.get("if_exists") != "do_nothing"
        and await read_thread(ctx.memory, ctx.user_id, thread_id)
    ):
        raise HTTPException(409, f"Thread with ID {thread_id} already exists")
    row = await create_thread(ctx, thread_id, metadata)
    return JSONResponse(await client_thread(ctx, row))


async def search(request: Request) -> Response:
    """Return threads, the last used first."""
    ctx, body = request_context(request), await body_of(request)
    limit = number_of(body.get("limit"), "limit", 10, MAX_RESULTS)
    offset = number_of(body.get("offset"), "offset", 0, NO_LIMIT)
    rows = await _matching_rows(ctx, body)
    threads = [await client_thread(ctx, row) for row in rows[offset : offset + limit]]
    return JSONResponse(threads, headers={"X-Pagination-Total": str(len(rows))})


async def count(request: Request) -> Response:
    """Return the number of threads."""
    rows = await _matching_rows(request_context(request), await body_of(request))
    return JSONResponse(len(rows))


async def read(request: Request) -> Response:
    """Return a thread."""
    ctx = request_context(request)
    return JSONResponse(await client_thread(ctx, await own_thread(ctx, _thread_id(request))))


async def change(request: Request) -> Response:
    """Change a thread's metadata."""
    ctx, body, thread_id = request_context(request), await body_of(request), _thread_id(request)
    await own_thread(ctx, thread_id)
    await merge_metadata(ctx, thread_id, object_of(body.get("metadata"), "metadata"))
    return await read(request)


async def delete(request: Request) -> Response:
    """Delete a thread with its messages."""
    ctx, thread_id = request_context(request), _thread_id(request)
    await own_thread(ctx, thread_id)
    await ctx.memory.delete_thread(thread_id, user_id=ctx.user_id)
    return Response(status_code=204)


async def _matching_rows(ctx: RequestContext, body: dict[str, Any]) -> list[Row]:
    metadata, ids = object_of(body.get("metadata"), "metadata"), body.get("ids")
    for name in ("values", "status"):
        if body.get(name):
            raise BadInput(f"Threads are not searched by {name} here; use metadata.")
    if ids is not None and not isinstance(ids, list):
        raise BadInput("ids is not a list of thread ids.")
    return [
        row
        for row in await ctx.memory.threads(NO_LIMIT, user_id=ctx.user_id)
        if metadata_of(row).items() >= metadata.items() and (ids is None or row["id"] in ids)
    ]


def _thread_id(request: Request) -> str:
    return thread_id_of(request.path_params["thread_id"])


routes = [
    Route("/threads", create, methods=["POST"]),
    Route("/threads/search", search, methods=["POST"]),
    Route("/threads/count", count, methods=["POST"]),
    Route("/threads/{thread_id}", read, methods=["GET"]),
    Route("/threads/{thread_id}", change, methods=["PATCH"]),
    Route("/threads/{thread_id}", delete, methods=["DELETE"]),
]
