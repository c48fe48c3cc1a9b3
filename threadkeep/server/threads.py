"""Find and claim a user's threads by the ids and names that clients send."""

from collections.abc import Mapping
from typing import Any

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.base.user import acting_as
from threadkeep.base.validation import validate_id
from threadkeep.knowledge.listing import INTERNAL_OF_THREADS, Row
from threadkeep.memory import Memory
from threadkeep.stores.namespaces import threads_of, user_key

GRAPH = "agent"
"""The name of the only graph."""
NAME = "thread_name"
"""Metadata of a thread: the name that a person calls it."""
OWNER = "owner"
"""Metadata of a thread: the user id; only the server sets it."""
FIXED_METADATA = (NAME, OWNER, "graph_id")
"""Metadata of a thread that no request changes."""


async def read_thread(memory: Memory, user_id: str, thread_id: str) -> Row | None:
    """Return one row of `Memory.threads` by its id, or None."""
    owner = await user_key(memory.opened.store, user_id)
    item = await memory.opened.store.aget(threads_of(owner), thread_id, refresh_ttl=False)
    if item is None:
        return None
    return {"id": item.key} | {
        name: value for name, value in item.value.items() if name not in INTERNAL_OF_THREADS
    }


async def thread_name_of(memory: Memory, user_id: str, thread_id: str) -> str:
    """Return what the operations of `Memory` call a thread: its name, or its id without one."""
    row = await read_thread(memory, user_id, thread_id)
    name = str((row or {}).get("name") or "")
    if name and (await memory.thread(name, user_id=user_id)).id == thread_id:
        return name
    return thread_id


async def id_in_metadata(memory: Memory, user_id: str, metadata: Mapping[str, Any]) -> str | None:
    """Return the id of the thread whose name the metadata holds, None without a name.

    Raises:
        BadInput: the name is not allowed.
    """
    if not metadata.get(NAME):
        return None
    name = validate_id(metadata[NAME], f"metadata.{NAME}")
    return (await memory.thread(name, user_id=user_id)).id


async def claim_thread(
    memory: Memory, user_id: str, thread_id: str, metadata: Mapping[str, Any]
) -> None:
    """Make the user the owner of a thread before anything is stored in it.

    Raises:
        AccessRefused: the thread is another user's.
        BadInput: the name in the metadata is not allowed, or belongs to another id.
    """
    named_id = await id_in_metadata(memory, user_id, metadata)
    if named_id is not None and named_id != thread_id:
        raise BadInput(
            f"metadata.{NAME}: your thread {metadata[NAME]!r} has the id {named_id}; use that id."
        )
    with acting_as(user_id):
        await memory.opened.saver.aclaim(thread_id)


async def add_record(
    memory: Memory, user_id: str, thread_id: str, metadata: Mapping[str, Any]
) -> None:
    """Store the record of a new thread with its metadata; a record that exists stays as it is.

    Raises:
        BadInput: the metadata is too large.
        ThreadBusy: a turn is open on the thread for too long.
    """
    if await read_thread(memory, user_id, thread_id) is not None:
        return
    store, moment = memory.opened.store, now().isoformat()
    name = str(metadata.get(NAME) or thread_id)
    record = {"name": name, "created": moment, "last_used": moment, "turns": 0}
    namespace = threads_of(await user_key(store, user_id))
    ttl = memory.settings.ttl_minutes
    await store.aput(namespace, thread_id, record, index=False, ttl=ttl)
    await merge_metadata(memory, user_id, thread_id, metadata)


async def merge_metadata(
    memory: Memory, user_id: str, thread_id: str, metadata: Mapping[str, Any]
) -> None:
    """Merge metadata into a thread's record; the name, the owner and the graph stay.

    Raises:
        BadInput: the metadata is too large.
        ThreadBusy: a turn is open on the thread for too long.
    """
    changes = {name: value for name, value in metadata.items() if name not in FIXED_METADATA}
    if changes:
        await memory.change_thread(thread_id, metadata=changes, user_id=user_id)


def missing_thread_detail(thread_id: str) -> str:
    """Return LangGraph's sentence about a thread that does not exist, or is another user's."""
    return f"Thread with ID {thread_id} not found"
