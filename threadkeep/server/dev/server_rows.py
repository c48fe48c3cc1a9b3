"""The rows that LangGraph's development server keeps of threads, assistants and crons.

The server writes its rows to a file every ten seconds, and gives a thread without a row to the
first user who creates one. The owner of a thread is stored with its checkpoints: rows are created
again from thread records, for the owner alone.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import Context as Variables
from functools import cached_property
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError

from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import USER_KEY
from threadkeep.memory import Memory
from threadkeep.server.threads import GRAPH, NAME, OWNER, read_thread, thread_name_of

MAX_CACHED = 10_000
PAGE = 100
T = TypeVar("T")


class ServerRows:
    """The server's rows, read and written by requests of the server to itself.

    These requests run detached: the checks of a user's request do not apply to them.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._complete: set[str] = set()
        """Ids of threads that have a row and a checkpoint."""

    @cached_property
    def _client(self) -> LangGraphClient:
        """A client of this server itself, which needs no credentials."""
        return get_client()

    async def ensure(self, user_id: str, thread_id: str) -> None:
        """Create the row of the user's thread if it is missing.

        The row of a thread without a checkpoint is deleted: the thread was deleted in the terminal,
        and the row shows its last state.
        """
        config: RunnableConfig = {
            "configurable": {"thread_id": thread_id, "checkpoint_ns": "", USER_KEY: user_id}
        }
        try:
            checkpoint = await self._memory.opened.saver.aget_tuple(config)
        except AccessRefused:
            return
        if checkpoint is not None and thread_id in self._complete:
            return
        record = await read_thread(self._memory, user_id, thread_id)
        if checkpoint is None and (record is None or record.get("turns")):
            self._complete.discard(thread_id)
            await _detached(self._delete_stale(user_id, thread_id))
        else:
            name = await thread_name_of(self._memory, user_id, thread_id)
            metadata = {**((record or {}).get("metadata") or {}), OWNER: user_id}
            metadata |= {NAME: name} if name != thread_id else {}
            await _detached(self._create(thread_id, metadata))

    async def ensure_newest(self, user_id: str, limit: int) -> None:
        """Create the missing rows of the user's last used threads; delete those of deleted ones."""
        threads = await self._memory.threads(limit, user_id=user_id)
        rows = await _detached(self._client.threads.search(metadata={OWNER: user_id}, limit=limit))
        ids = [thread["id"] for thread in threads] + [row["thread_id"] for row in rows]
        for thread_id in dict.fromkeys(ids):
            await self.ensure(user_id, thread_id)

    async def delete_stale(self) -> None:
        """Delete the rows of threads that were deleted while the server was stopped."""
        rows, offset = [], 0
        while page := await self._client.threads.search(limit=PAGE, offset=offset):
            rows += [(row["thread_id"], str((row["metadata"] or {}).get(OWNER))) for row in page]
            offset += PAGE
        for thread_id, user_id in rows:
            await self.ensure(user_id, thread_id)

    def forget(self, thread_id: str) -> None:
        """Record that the row of a thread is deleted."""
        self._complete.discard(thread_id)

    async def is_foreign_assistant(self, user_id: str, assistant_id: str) -> bool:
        """Return whether an assistant exists that is not this user's."""
        try:
            assistant = await _detached(self._client.assistants.get(assistant_id))
        except NotFoundError:
            return False
        return (assistant["metadata"] or {}).get(OWNER) != user_id

    async def erase(self, user_id: str) -> dict[str, int]:
        """Delete all rows of a user; return their numbers. The server then writes its files."""
        return await _detached(self._erase(user_id))

    async def _erase(self, user_id: str) -> dict[str, int]:
        metadata, client = {OWNER: user_id}, self._client
        counts = {"rows": 0, "crons": 0, "assistants": 0}
        while crons := await client.crons.search(metadata=metadata, limit=PAGE):
            for cron in crons:
                await client.crons.delete(cron["cron_id"])
            counts["crons"] += len(crons)
        while threads := await client.threads.search(metadata=metadata, limit=PAGE):
            for thread in threads:
                await client.threads.delete(thread["thread_id"])
                self.forget(thread["thread_id"])
            counts["rows"] += len(threads)
        while assistants := await client.assistants.search(metadata=metadata, limit=PAGE):
            for assistant in assistants:
                await client.assistants.delete(assistant["assistant_id"])
            counts["assistants"] += len(assistants)
        return counts

    async def _create(self, thread_id: str, metadata: dict[str, Any]) -> None:
        await self._client.threads.create(
            thread_id=thread_id, metadata=metadata, graph_id=GRAPH, if_exists="do_nothing"
        )
        if len(self._complete) >= MAX_CACHED:
            self._complete.clear()
        self._complete.add(thread_id)

    async def _delete_stale(self, user_id: str, thread_id: str) -> None:
        """Delete a row that shows a state; a row of a new, empty thread stays."""
        with suppress(NotFoundError):
            row = await self._client.threads.get(thread_id)
            is_own = (row["metadata"] or {}).get(OWNER) == user_id
            if is_own and row["values"] and row["status"] != "busy":
                await self._client.threads.delete(thread_id)


async def _detached(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in an empty context, without the request's credentials and run config."""
    return await asyncio.create_task(work, context=Variables())
