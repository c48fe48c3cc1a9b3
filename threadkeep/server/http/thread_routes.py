"""Threads: begin, find, read, change, copy and delete them."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.checkpoints.thread_records import NO_LIMIT, list_records
from threadkeep.server.http.request import (
    RequestContext,
    body_of,
    number_of,
    object_of,
    request_context,
    thread_id_of,
)
from threadkeep.server.http.thread_objects import (
    create_thread,
    own_thread,
    set_metadata,
    thread_record,
)
from threadkeep.server.http.thread_objects import thread_row as row_of
from threadkeep.server.thread_rows import NAME
from threadkeep.stores.namespaces import threads_of, user_key

MAX_RESULTS = 1_000


async def create(request: Request) -> Response:
    """Begin a thread."""
    ctx, body = request_context(request), await body_of(request)
    thread = thread_id_of(body["thread_id"]) if body.get("thread_id") else None
    metadata = object_of(body.get("metadata"), "metadata")
    if thread and body.get("if_exists") != "do_nothing" and await thread_record(ctx, thread):
        raise HTTPException(409, f"Thread with ID {thread} already exists")
    return JSONResponse(await create_thread(ctx, thread, metadata))


async def search(request: Request) -> Response:
    """Find threads, the last used first."""
    ctx, body = request_context(request), await body_of(request)
    limit = number_of(body.get("limit"), "limit", 10, MAX_RESULTS)
    offset = number_of(body.get("offset"), "offset", 0, NO_LIMIT)
    records = await _matching_records(ctx, body)
    rows = [await row_of(ctx, record) for record in records[offset : offset + limit]]
    return JSONResponse(rows, headers={"X-Pagination-Total": str(len(records))})


async def count(request: Request) -> Response:
    """Count threads."""
    return JSONResponse(
        len(await _matching_records(request_context(request), await body_of(request)))
    )


async def read(request: Request) -> Response:
    """Read one thread."""
    ctx = request_context(request)
    return JSONResponse(await row_of(ctx, await own_thread(ctx, _thread(request))))


async def change(request: Request) -> Response:
    """Change a thread's metadata."""
    ctx, body = request_context(request), await body_of(request)
    await own_thread(ctx, _thread(request))
    await set_metadata(ctx, _thread(request), object_of(body.get("metadata"), "metadata"))
    return await read(request)


async def delete(request: Request) -> Response:
    """Delete a thread with its messages."""
    ctx = request_context(request)
    await own_thread(ctx, _thread(request))
    await ctx.memory.delete_thread(_thread(request), user_id=ctx.user)
    return Response(status_code=204)


async def _matching_records(ctx: RequestContext, body: dict[str, Any]) -> list[Any]:
    metadata = object_of(body.get("metadata"), "metadata")
    for name in ("values", "status"):
        if body.get(name):
            raise BadInput(f"Threads are not searched by {name} here; use metadata.")
    ids = body.get("ids")
    if ids is not None and not isinstance(ids, list):
        raise BadInput("ids is no list of thread ids.")
    key = await user_key(ctx.memory.opened.store, ctx.user)
    return [
        record
        for record in await list_records(ctx.memory.opened.store, threads_of(key), NO_LIMIT)
        if _metadata(record).items() >= metadata.items() and (ids is None or record.key in ids)
    ]


def _metadata(record: Any) -> dict[str, Any]:
    value = record.value
    return {**(value.get("metadata") or {}), NAME: value.get("name"), "graph_id": "agent"}


def _thread(request: Request) -> str:
    return thread_id_of(request.path_params["thread_id"])


routes = [
    Route("/threads", create, methods=["POST"]),
    Route("/threads/search", search, methods=["POST"]),
    Route("/threads/count", count, methods=["POST"]),
    Route("/threads/{thread_id}", read, methods=["GET"]),
    Route("/threads/{thread_id}", change, methods=["PATCH"]),
    Route("/threads/{thread_id}", delete, methods=["DELETE"]),
]
