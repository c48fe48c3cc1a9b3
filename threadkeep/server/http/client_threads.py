"""Threads as LangGraph's clients know them, made of the rows of `Memory.threads`."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.exceptions import HTTPException

from threadkeep.base.errors import AccessRefused
from threadkeep.knowledge.listing import Row
from threadkeep.server.request import RequestContext
from threadkeep.server.threads import (
    GRAPH,
    NAME,
    add_record,
    claim_thread,
    id_in_metadata,
    missing_thread_detail,
    read_thread,
)

THREAD_FIELDS = (
    "thread_id",
    "created_at",
    "updated_at",
    "state_updated_at",
    "metadata",
    "status",
    "config",
    "values",
    "interrupts",
)


async def own_thread(ctx: RequestContext, thread_id: str) -> Row:
    """Return the row of the user's thread.

    Raises:
        HTTPException: the user has no such thread.
    """
    if row := await read_thread(ctx.memory, ctx.user_id, thread_id):
        return row
    raise HTTPException(404, missing_thread_detail(thread_id))


async def create_thread(
    ctx: RequestContext, thread_id: str | None, metadata: Mapping[str, Any]
) -> Row:
    """Create a thread of the user's and return its row; an existing thread stays as it is.

    Without an id, a name under `thread_name` determines the id, as in the terminal.

    Raises:
        BadInput: the name or the metadata is refused, or the name belongs to another id.
        HTTPException: the thread is another user's.
    """
    if thread_id is None:
        thread_id = await id_in_metadata(ctx.memory, ctx.user_id, metadata) or str(uuid4())
    try:
        await claim_thread(ctx.memory, ctx.user_id, thread_id, metadata)
    except AccessRefused:
        raise HTTPException(404, missing_thread_detail(thread_id)) from None
    await add_record(ctx.memory, ctx.user_id, thread_id, metadata)
    return await own_thread(ctx, thread_id)


def metadata_of(row: Row) -> dict[str, Any]:
    """Return the metadata that clients read and search."""
    return {**(row.get("metadata") or {}), NAME: row.get("name"), "graph_id": GRAPH}


async def client_thread(ctx: RequestContext, row: Row) -> dict[str, Any]:
    """Return a thread as clients read it."""
    name = str(row.get("name") or row["id"])
    busy = await ctx.memory.has_open_turn(name, row["id"], user_id=ctx.user_id)
    return {
        "thread_id": row["id"],
        "created_at": row.get("created"),
        "updated_at": row.get("last_used"),
        "state_updated_at": row.get("last_used"),
        "metadata": {**metadata_of(row), NAME: name},
        "status": "busy" if busy else "idle",
        "config": {},
        "values": None,
        "interrupts": {},
    }
