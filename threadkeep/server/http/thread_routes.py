"""Threads: begin, find, read, change, copy and delete them."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from threadkeep.base.errors import BadInput
from threadkeep.checkpoints.thread_records import NO_LIMIT, list_records
from threadkeep.server.http.request import (
    Asking,
    asking,
    body_of,
    number_of,
    object_of,
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

MOST_FOUND = 1_000


async def create(request: Request) -> Response:
    """Begin a thread."""
    asked, told = asking(request), await body_of(request)
    thread = thread_id_of(told["thread_id"]) if told.get("thread_id") else None
    metadata = object_of(told.get("metadata"), "metadata")
    if thread and told.get("if_exists") != "do_nothing" and await thread_record(asked, thread):
        raise HTTPException(409, f"Thread with ID {thread} already exists")
    return JSONResponse(await create_thread(asked, thread, metadata))


async def search(request: Request) -> Response:
    """Find threads, the last used first."""
    asked, told = asking(request), await body_of(request)
    limit = number_of(told.get("limit"), "limit", 10, MOST_FOUND)
    offset = number_of(told.get("offset"), "offset", 0, NO_LIMIT)
    found = await _found(asked, told)
    rows = [await row_of(asked, record) for record in found[offset : offset + limit]]
    return JSONResponse(rows, headers={"X-Pagination-Total": str(len(found))})


async def count(request: Request) -> Response:
    """Count threads."""
    return JSONResponse(len(await _found(asking(request), await body_of(request))))


async def read(request: Request) -> Response:
    """Read one thread."""
    asked = asking(request)
    return JSONResponse(await row_of(asked, await own_thread(asked, _thread(request))))


async def change(request: Request) -> Response:
    """Change a thread's metadata."""
    asked, told = asking(request), await body_of(request)
    await own_thread(asked, _thread(request))
    await set_metadata(asked, _thread(request), object_of(told.get("metadata"), "metadata"))
    return await read(request)


async def delete(request: Request) -> Response:
    """Delete a thread with its messages."""
    asked = asking(request)
    await own_thread(asked, _thread(request))
    await asked.memory.delete_thread(_thread(request), user_id=asked.user)
    return Response(status_code=204)


async def _found(asked: Asking, told: dict[str, Any]) -> list[Any]:
    wanted = object_of(told.get("metadata"), "metadata")
    for name in ("values", "status"):
        if told.get(name):
            raise BadInput(f"Threads are not searched by {name} here; use metadata.")
    ids = told.get("ids")
    if ids is not None and not isinstance(ids, list):
        raise BadInput("ids is no list of thread ids.")
    key = await user_key(asked.memory.opened.store, asked.user)
    return [
        record
        for record in await list_records(asked.memory.opened.store, threads_of(key), NO_LIMIT)
        if _metadata(record).items() >= wanted.items() and (ids is None or record.key in ids)
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
