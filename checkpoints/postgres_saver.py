"""Short-term memory on PostgreSQL: LangGraph's own saver, made complete and strict."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import Error

from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadDeleted
from threadkeep.base.postgres import Pool, open_pool, setup_lock
from threadkeep.checkpoints import postgres_retention as retention
from threadkeep.checkpoints.postgres_erasing import PostgresReading


class PostgresSaver(PostgresReading):
    """`AsyncPostgresSaver` with what it lacks: delete by run, copy, prune by turns, expiry."""

    def __init__(self, pool: Pool, ttl_minutes: float | None = None) -> None:
        # None allows only what LangGraph itself knows to be safe: messages and plain values.
        super().__init__(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self.pool = pool
        self.ttl_minutes = ttl_minutes
        # Threads known to have a time to live: the others need not be asked at every write.
        self._mortal: set[str] = set()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; a thread that has expired is deleted instead."""
        thread = str(config["configurable"]["thread_id"])
        return await super().aget_tuple(config) if await self._alive(thread) else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, the newest first; none of threads that have expired."""
        await self.asweep()
        async for found in super().alist(config, filter=filter, before=before, limit=limit):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; using a thread extends its life."""
        thread = str(config["configurable"]["thread_id"])
        if thread in self._mortal:
            await self._alive(thread)
        if self.ttl_minutes is not None and thread not in self._mortal:
            async with self.pool.connection() as conn:
                await retention.set_lifetime(conn, thread, self.ttl_minutes, anew=False)
            self._mortal.add(thread)
        with _late_is_refused(thread):
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task wrote."""
        with _late_is_refused(str(config["configurable"]["thread_id"])):
            await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        async with self.pool.connection() as conn, conn.transaction():
            await retention.delete_threads(conn, [str(thread_id)])
        self._mortal.discard(str(thread_id))

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread as of a checkpoint id; what comes late from before then is refused."""
        async with self.pool.connection() as conn, conn.transaction():
            await retention.bury_thread(conn, thread_id, at)
        self._mortal.discard(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        async with self.pool.connection() as conn, conn.transaction():
            await retention.delete_for_runs(conn, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        with _late_is_refused(target_thread_id):
            async with self.pool.connection() as conn, conn.transaction():
                await retention.copy_thread(conn, source_thread_id, target_thread_id)

    async def aprune_turns(self, thread_id: str, keep: int) -> None:
        """Keep the checkpoints of the newest `keep` turns."""
        async with self.pool.connection() as conn:
            await retention.keep_turns(conn, thread_id, keep)

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread is kept; None keeps it."""
        async with self.pool.connection() as conn:
            await retention.set_lifetime(
                conn, thread_id, retention.FOREVER_MINUTES if minutes is None else minutes
            )
        self._mortal.add(thread_id)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of everybody, those of records too."""
        async with self.pool.connection() as conn:
            found = await conn.execute("SELECT DISTINCT thread_id FROM checkpoints")
            return [str(row["thread_id"]) for row in await found.fetchall()]

    async def asweep(self) -> int:
        """Delete the threads that have expired; return how many that was."""
        async with self.pool.connection() as conn:
            over = await retention.expired(conn)
            if over:
                async with conn.transaction():
                    await retention.delete_threads(conn, over)
        return len(over)

    async def _alive(self, thread: str) -> bool:
        """Extend a thread's life by its use; delete it where that is over."""
        async with self.pool.connection() as conn:
            minutes = await retention.use_thread(conn, thread)
        if minutes == 0:
            await self.adelete_thread(thread)
        self._mortal.add(thread) if minutes else self._mortal.discard(thread)
        return minutes != 0


@asynccontextmanager
async def open_postgres(
    database: Database, ttl_minutes: float | None = None
) -> AsyncIterator[PostgresSaver]:
    """Open the saver on a few connections of its own, its tables made where they are not.

    Raises:
        StorageFailed: the server is too old.
        psycopg.Error: it cannot be reached, or refuses.
    """
    async with open_pool(database) as pool:
        saver = PostgresSaver(pool, ttl_minutes)
        async with setup_lock(pool):
            await saver.setup()
            async with pool.connection() as conn:
                await conn.execute(retention.SCHEMA, prepare=False)
        yield saver


@contextmanager
def _late_is_refused(thread: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        if error.sqlstate != retention.BURIED:
            raise
        raise ThreadDeleted(thread) from None
