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
from threadkeep.server.http.request import Asking
from threadkeep.server.thread_rows import NAME, OWNER
from threadkeep.stores.namespaces import thread_id, threads_of, user_key


async def thread_record(asked: Asking, thread: str) -> Item | None:
    """Return what is kept of a thread of the user's own, or None."""
    key = await user_key(asked.memory.opened.store, asked.user)
    return await asked.memory.opened.store.aget(threads_of(key), thread, refresh_ttl=False)


async def own_thread(asked: Asking, thread: str) -> Item:
    """Return the record of a thread of the user's own.

    Raises:
        HTTPException: there is none.
    """
    if found := await thread_record(asked, thread):
        return found
    raise asked.not_found(thread)


async def create_thread(
    asked: Asking, thread: str | None, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """Make a thread the user's own, and return it; one that is there stays as it is.

    A name under `thread_name` makes the id, as in the terminal.

    Raises:
        BadInput: the name or the metadata are refused, or the id is not the name's.
        HTTPException: the id is another user's.
    """
    store, key = asked.memory.opened.store, await user_key(asked.memory.opened.store, asked.user)
    name = validate_id(metadata[NAME], f"metadata.{NAME}") if metadata.get(NAME) else ""
    named = thread_id(key, name) if name else None
    if thread and named and thread != named:
        raise BadInput(f"metadata.{NAME}: your thread {name!r} has the id {named}; use that id.")
    thread = thread or named or str(uuid4())
    with acting_as(asked.user):
        try:
            await asked.memory.opened.saver.aclaim(thread)
        except AccessRefused:
            raise asked.not_found(thread) from None
    if await thread_record(asked, thread) is None:
        ttl, moment = asked.memory.settings.ttl_minutes, now().isoformat()
        value = {"name": name or thread, "created": moment, "last_used": moment, "turns": 0}
        await store.aput(threads_of(key), thread, value, index=False, ttl=ttl)
        await set_metadata(asked, thread, metadata)
    return await thread_row(asked, await own_thread(asked, thread))


async def set_metadata(asked: Asking, thread: str, metadata: Mapping[str, Any]) -> None:
    """Merge metadata into a thread's record; its name stays.

    Raises:
        BadInput: it is too large.
    """
    told = {key: value for key, value in metadata.items() if key not in (NAME, OWNER)}
    if told:
        key = await user_key(asked.memory.opened.store, asked.user)
        await update_record(asked.memory.opened.store, threads_of(key), thread, metadata=told)


async def thread_row(asked: Asking, record: Item) -> dict[str, Any]:
    """Return a thread as clients read it."""
    value = record.value
    name = str(value.get("name") or record.key)
    busy = await asked.memory.has_open_turn(name, record.key, user_id=asked.user)
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
