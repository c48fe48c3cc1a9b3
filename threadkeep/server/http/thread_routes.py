"""Create, search, count, read, change and delete threads."""

from typing import Any
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.checkpoints.thread_records import NO_LIMIT
from threadkeep.knowledge.listing import Row
from threadkeep.server.http.client_threads import (
    THREAD_FIELDS,
    client_thread,
    create_thread,
    metadata_of,
    own_thread,
)
from threadkeep.server.http.searching import choice_of, contains, fields_of, refuse_options
from threadkeep.server.request import RequestContext, request_context
from threadkeep.server.request_values import body_of, number_of, object_of, thread_id_of
from threadkeep.server.store_requests import minutes_of
from threadkeep.server.threads import merge_metadata, read_thread

MAX_RESULTS = 1_000
SORTED_BY = {
    "thread_id": "id",
    "created_at": "created",
    "updated_at": "last_used",
    "state_updated_at": "last_used",
}
"""Fields of a row by the names that clients sort by."""


async def create(request: Request) -> Response:
    """Create a thread."""
    ctx, body = request_context(request), await body_of(request)
    refuse_options(body, ("supersteps",))
    thread_id = thread_id_of(body["thread_id"]) if body.get("thread_id") else None
    metadata, ttl = object_of(body.get("metadata"), "metadata"), _ttl_minutes(body)
    choice_of(body.get("if_exists"), "if_exists", ("raise", "do_nothing"))
    if (
        thread_id
        and body.get("if_exists") != "do_nothing"
        and await read_thread(ctx.memory, ctx.user_id, thread_id)
    ):
        raise HTTPException(409, f"Thread with ID {thread_id} already exists")
    row = await create_thread(ctx, thread_id, metadata)
    if ttl is not None:
        await ctx.memory.change_thread(row["id"], ttl_minutes=ttl, user_id=ctx.user_id)
    return JSONResponse(await client_thread(ctx, row))


async def search(request: Request) -> Response:
    """Return threads, by default the last used first."""
    ctx, body = request_context(request), await body_of(request)
    limit = number_of(body.get("limit"), "limit", 10, MAX_RESULTS, minimum=1)
    offset = number_of(body.get("offset"), "offset", 0, NO_LIMIT)
    fields = fields_of(body.get("select"), THREAD_FIELDS)
    rows = _sorted(await _matching_rows(ctx, body), body)
    threads = [await client_thread(ctx, row) for row in rows[offset : offset + limit]]
    selected = [{name: thread[name] for name in fields} for thread in threads]
    return JSONResponse(selected, headers={"X-Pagination-Total": str(len(rows))})


async def count(request: Request) -> Response:
    """Return the number of threads."""
    rows = await _matching_rows(request_context(request), await body_of(request))
    return JSONResponse(len(rows))


async def read(request: Request) -> Response:
    """Return a thread."""
    ctx = request_context(request)
    refuse_options(request.query_params, ("include",))
    return JSONResponse(await client_thread(ctx, await own_thread(ctx, _thread_id(request))))


async def change(request: Request) -> Response:
    """Change a thread's metadata."""
    ctx, body, thread_id = request_context(request), await body_of(request), _thread_id(request)
    metadata, ttl = object_of(body.get("metadata"), "metadata"), _ttl_minutes(body)
    await own_thread(ctx, thread_id)
    await merge_metadata(ctx.memory, ctx.user_id, thread_id, metadata)
    if ttl is not None:
        await ctx.memory.change_thread(thread_id, ttl_minutes=ttl, user_id=ctx.user_id)
    return await read(request)


async def copy(request: Request) -> Response:
    """Copy a thread with its messages to a new one."""
    ctx, thread_id = request_context(request), _thread_id(request)
    await body_of(request)
    await own_thread(ctx, thread_id)
    new_id = await ctx.memory.fork(thread_id, str(uuid4()), user_id=ctx.user_id)
    return JSONResponse(await client_thread(ctx, await own_thread(ctx, new_id)))


async def delete(request: Request) -> Response:
    """Delete a thread with its messages."""
    ctx, thread_id = request_context(request), _thread_id(request)
    await own_thread(ctx, thread_id)
    await ctx.memory.delete_thread(thread_id, user_id=ctx.user_id)
    return Response(status_code=204)


async def _matching_rows(ctx: RequestContext, body: dict[str, Any]) -> list[Row]:
    metadata, ids = object_of(body.get("metadata"), "metadata"), body.get("ids")
    for name in ("values", "status", "extract"):
        if body.get(name):
            raise BadInput(f"Threads are not searched by {name} here; use metadata.")
    if ids is not None and not isinstance(ids, list):
        raise BadInput("ids is not a list of thread ids.")
    thread_ids = None if ids is None else {thread_id_of(value) for value in ids}
    return [
        row
        for row in await ctx.memory.threads(NO_LIMIT, user_id=ctx.user_id)
        if contains(metadata_of(row), metadata) and (thread_ids is None or row["id"] in thread_ids)
    ]


def _sorted(rows: list[Row], body: dict[str, Any]) -> list[Row]:
    order = choice_of(body.get("sort_order"), "sort_order", ("asc", "desc"))
    field = choice_of(body.get("sort_by"), "sort_by", tuple(SORTED_BY))
    if field is None:
        return rows[::-1] if order == "asc" else rows
    return sorted(rows, key=lambda row: str(row.get(SORTED_BY[field])), reverse=order != "asc")


def _ttl_minutes(body: dict[str, Any]) -> float | None:
    """Return a thread's time to live in minutes, None where there is none."""
    ttl = body.get("ttl")
    if not isinstance(ttl, dict):
        return minutes_of(ttl)
    choice_of(ttl.get("strategy"), "ttl.strategy", ("delete",))
    return minutes_of(ttl.get("ttl"))


def _thread_id(request: Request) -> str:
    return thread_id_of(request.path_params["thread_id"])


routes = [
    Route("/threads", create, methods=["POST"]),
    Route("/threads/search", search, methods=["POST"]),
    Route("/threads/count", count, methods=["POST"]),
    Route("/threads/{thread_id}/copy", copy, methods=["POST"]),
    Route("/threads/{thread_id}", read, methods=["GET"]),
    Route("/threads/{thread_id}", change, methods=["PATCH"]),
    Route("/threads/{thread_id}", delete, methods=["DELETE"]),
]
