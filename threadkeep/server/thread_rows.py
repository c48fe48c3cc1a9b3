"""The server's rows of threads: made again from what is kept, given to nobody but the owner.

LangGraph's development server keeps them in a file that it writes every ten seconds, and gives a
thread without a row to whoever makes one. Whose a thread is stands with its checkpoints.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph_sdk import Auth, get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError
from langgraph_sdk.schema import Assistant

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import USER_KEY, acting_as
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.thread_records import list_records
from threadkeep.memory import Memory
from threadkeep.server.shared_memory import run_detached
from threadkeep.stores.namespaces import thread_id, threads_of, user_key

GRAPH = "agent"
OWNER = "owner"
NAME = "thread_name"
MAX_CACHED = 10_000
PAGE = 100
_cached_threads: set[str] = set()
"""Threads that have a row and something in it."""
_client: list[LangGraphClient] = []


async def claim_row(memory: Memory, user: str, thread: str, metadata: Mapping[str, Any]) -> None:
    """Make a thread the user's own before anything is in it.

    Raises:
        HTTPException: it is another user's, or its name belongs to another id.
    """
    if name := metadata.get(NAME):
        named_id = thread_id(await user_key(memory.opened.store, user), checked_name(name))
        if named_id != thread:
            raise Auth.exceptions.HTTPException(
                422, f"metadata.{NAME}: your thread {name!r} has the id {named_id}; use that id."
            )
    try:
        with acting_as(user):
            await memory.opened.saver.aclaim(thread)
    except AccessRefused:
        raise Auth.exceptions.HTTPException(404, not_found_detail(thread)) from None


def checked_name(name: object) -> str:
    """Return a thread's name.

    Raises:
        HTTPException: it is not allowed.
    """
    try:
        return validate_id(name, "thread")
    except BadInput as error:
        raise Auth.exceptions.HTTPException(422, f"metadata.{NAME}: {error}") from None


async def ensure_row(memory: Memory, user: str, thread: str) -> None:
    """Make the row of a thread of the user's own where it is lost, or was never made.

    The row of one that was deleted in the terminal goes: it shows what was said last.
    """
    config: RunnableConfig = {
        "configurable": {"thread_id": thread, "checkpoint_ns": "", USER_KEY: user}
    }
    try:
        checkpoint = await memory.opened.saver.aget_tuple(config)
    except AccessRefused:
        return
    if checkpoint is None:
        _cached_threads.discard(thread)
        await run_detached(_drop(user, thread))
    elif thread not in _cached_threads:
        key = await user_key(memory.opened.store, user)
        record = await memory.opened.store.aget(threads_of(key), thread, refresh_ttl=False)
        await _make_row(user, key, thread, record.value if record else {})


async def ensure_rows(memory: Memory, user: str, limit: int) -> None:
    """Make the missing rows of the threads that the user used last; drop those of deleted ones."""
    key = await user_key(memory.opened.store, user)
    records = await list_records(memory.opened.store, threads_of(key), limit)
    listed = await run_detached(
        internal_client().threads.search(metadata={OWNER: user}, limit=limit)
    )
    used = [record.key for record in records] + [row["thread_id"] for row in listed]
    for thread in dict.fromkeys(used):
        await ensure_row(memory, user, thread)


async def drop_deleted(memory: Memory) -> None:
    """Drop the rows of threads that were deleted while the server was away."""
    rows, offset = [], 0
    while page := await internal_client().threads.search(limit=PAGE, offset=offset):
        rows += [(row["thread_id"], str((row["metadata"] or {}).get(OWNER))) for row in page]
        offset += PAGE
    for thread, owner in rows:
        await ensure_row(memory, owner, thread)


async def refuse_taken_assistant(user: str, assistant: str) -> None:
    """Answer as if there were no such assistant, where it is another user's.

    Raises:
        HTTPException: it is.
    """
    checkpoint = await run_detached(_assistant(assistant))
    if checkpoint is not None and (checkpoint["metadata"] or {}).get(OWNER) != user:
        raise Auth.exceptions.HTTPException(404, f"Assistant {assistant} not found")


def forget_row(thread: str) -> None:
    """Note that a row is deleted."""
    _cached_threads.discard(thread)


def not_found_detail(thread: str) -> str:
    """Return the server's own words for a thread that is not there."""
    return f"Thread with ID {thread} not found"


async def _make_row(user: str, key: str, thread: str, record: Mapping[str, Any]) -> None:
    name = str(record.get("name") or "")
    metadata = {OWNER: user} | ({NAME: name} if thread_id(key, name) == thread else {})
    # Apart from this request, or its own checks would be asked for what they ask for here.
    await run_detached(_create(thread, metadata))
    if len(_cached_threads) >= MAX_CACHED:
        _cached_threads.clear()
    _cached_threads.add(thread)


async def _assistant(assistant: str) -> Assistant | None:
    try:
        return await internal_client().assistants.get(assistant)
    except NotFoundError:
        return None


def internal_client() -> LangGraphClient:
    """Return a client of this server itself; nobody's credentials are asked for."""
    if not _client:
        _client.append(get_client())
    return _client[0]


async def _create(thread: str, metadata: dict[str, Any]) -> None:
    await internal_client().threads.create(
        thread_id=thread, metadata=metadata, graph_id=GRAPH, if_exists="do_nothing"
    )


async def _drop(user: str, thread: str) -> None:
    """Delete a row that shows what is no longer there; one without anything yet stays."""
    with suppress(NotFoundError):
        row = await internal_client().threads.get(thread)
        is_own = (row["metadata"] or {}).get(OWNER) == user
        if is_own and row["values"] and row["status"] != "busy":
            await internal_client().threads.delete(thread)
