"""Threads as LangGraph's clients know them, made of the records that the terminal lists too."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from langgraph.store.base import Item

from threadkeep.base.clock import now
from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import acting_as
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.thread_records import update_record
from threadkeep.server.http.request import RequestContext
from threadkeep.server.thread_rows import NAME, OWNER
from threadkeep.stores.namespaces import thread_id, threads_of, user_key


async def thread_record(ctx: RequestContext, thread: str) -> Item | None:
    """Return what is kept of a thread of the user's own, or None."""
    key = await user_key(ctx.memory.opened.store, ctx.user)
    return await ctx.memory.opened.store.aget(threads_of(key), thread, refresh_ttl=False)


async def own_thread(ctx: RequestContext, thread: str) -> Item:
    """Return the record of a thread of the user's own.

    Raises:
        HTTPException: there is none.
    """
    if record := await thread_record(ctx, thread):
        return record
    raise ctx.not_found_error(thread)


async def create_thread(
    ctx: RequestContext, thread: str | None, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """Make a thread the user's own, and return it; one that is there stays as it is.

    A name under `thread_name` makes the id, as in the terminal.

    Raises:
        BadInput: the name or the metadata are refused, or the id is not the name's.
        HTTPException: the id is another user's.
    """
    store, key = ctx.memory.opened.store, await user_key(ctx.memory.opened.store, ctx.user)
    name = validate_id(metadata[NAME], f"metadata.{NAME}") if metadata.get(NAME) else ""
    named_id = thread_id(key, name) if name else None
    if thread and named_id and thread != named_id:
        raise BadInput(f"metadata.{NAME}: your thread {name!r} has the id {named_id}; use that id.")
    thread = thread or named_id or str(uuid4())
    with acting_as(ctx.user):
        try:
            await ctx.memory.opened.saver.aclaim(thread)
        except AccessRefused:
            raise ctx.not_found_error(thread) from None
    if await thread_record(ctx, thread) is None:
        ttl, moment = ctx.memory.settings.ttl_minutes, now().isoformat()
        value = {"name": name or thread, "created": moment, "last_used": moment, "turns": 0}
        await store.aput(threads_of(key), thread, value, index=False, ttl=ttl)
        await set_metadata(ctx, thread, metadata)
    return await thread_row(ctx, await own_thread(ctx, thread))


async def set_metadata(ctx: RequestContext, thread: str, metadata: Mapping[str, Any]) -> None:
    """Merge metadata into a thread's record; its name stays.

    Raises:
        BadInput: it is too large.
    """
    body = {key: value for key, value in metadata.items() if key not in (NAME, OWNER)}
    if body:
        key = await user_key(ctx.memory.opened.store, ctx.user)
        await update_record(ctx.memory.opened.store, threads_of(key), thread, metadata=body)


async def thread_row(ctx: RequestContext, record: Item) -> dict[str, Any]:
    """Return a thread as clients read it."""
    value = record.value
    name = str(value.get("name") or record.key)
    busy = await ctx.memory.has_open_turn(name, record.key, user_id=ctx.user)
    return {
        "thread_id": record.key,
        "created_at": value.get("created"),
        "updated_at": value.get("last_used"),
        "metadata": {**(value.get("metadata") or {}), NAME: name, "graph_id": "agent"},
        "status": "busy" if busy else "idle",
        "config": {},
        "values": None,
        "interrupts": {},
    }
