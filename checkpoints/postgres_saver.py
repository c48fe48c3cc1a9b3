"""The saver on PostgreSQL: LangGraph's own, made complete and strict."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    writes_sort_key,
)
from psycopg import Error

from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadDeleted
from threadkeep.base.postgres import Pool, migrate, open_pool, setup_lock
from threadkeep.base.storage_errors import is_storage_error
from threadkeep.checkpoints import postgres_retention as retention
from threadkeep.checkpoints.damaged import (
    DamageLog,
    newest_readable,
    read_or_skip,
    readable_writes,
)
from threadkeep.checkpoints.postgres_erasing import PostgresRawReader
from threadkeep.checkpoints.serializer import StateSerializer


class PostgresSaver(PostgresRawReader):
    """`AsyncPostgresSaver` with deletion by run, copy, pruning by turns, expiry and tombstones."""

    def __init__(self, pool: Pool, ttl_minutes: float | None = None) -> None:
        super().__init__(pool, serde=StateSerializer())
        self.damage = DamageLog()
        self.pool = pool
        self.ttl_minutes = ttl_minutes
        # Threads with a time to live: writes to other threads need no query for it.
        self._threads_with_ttl: set[str] = set()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; an expired thread is deleted instead.

        Raises:
            UnreadableState: none of the thread's checkpoints can be read.
        """
        if not await self._extend_lifetime(str(config["configurable"]["thread_id"])):
            return None
        return await newest_readable(
            config, super().aget_tuple, lambda: self._checkpoint_ids(config), self.damage
        )

    async def _checkpoint_ids(self, config: RunnableConfig) -> list[str]:
        condition, values = self._search_where(config, None)
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                f"SELECT checkpoint_id FROM checkpoints {condition} ORDER BY checkpoint_id DESC",
                values,
            )
            return [str(row["checkpoint_id"]) for row in await cursor.fetchall()]

    def _load_writes(
        self, writes: list[tuple[bytes, bytes, bytes, bytes, bytes, bytes]] | None
    ) -> list[tuple[str, str, Any]]:
        ordered = sorted(
            writes or (),
            key=lambda row: writes_sort_key(row[4].decode(), row[0].decode(), int(row[5])),
        )
        rows = [(*(part.decode() for part in row[:3]), row[3]) for row in ordered]
        return readable_writes(rows, self.serde)[0]  # type: ignore[arg-type]

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints that can be read, newest first, without expired threads."""
        await self.asweep()
        try:
            checkpoints = super().alist(config, filter=filter, before=before, limit=limit)
            readable = [checkpoint async for checkpoint in checkpoints]
        except Exception as error:
            if is_storage_error(error):
                raise
            readable = await self._list_readable(config, filter, before, limit)
        for checkpoint in readable:
            yield checkpoint

    async def _list_readable(
        self,
        config: RunnableConfig | None,
        metadata_filter: dict[str, Any] | None,
        before: RunnableConfig | None,
        limit: int | None,
    ) -> list[CheckpointTuple]:
        condition, values = self._search_where(config, metadata_filter, before)
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
                f"{condition} ORDER BY checkpoint_id DESC",
                values,
            )
            places = await cursor.fetchall()
        readable: list[CheckpointTuple] = []
        for place in places:
            place_config: RunnableConfig = {"configurable": dict(place)}
            checkpoint, _ = await read_or_skip(place_config, super().aget_tuple, self.damage)
            readable += [checkpoint] if checkpoint else []
            if len(readable) == limit:
                break
        return readable

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, and extend the lifetime of its thread."""
        thread = str(config["configurable"]["thread_id"])
        if thread in self._threads_with_ttl:
            await self._extend_lifetime(thread)
        if self.ttl_minutes is not None and thread not in self._threads_with_ttl:
            async with self.pool.connection() as conn:
                await retention.set_lifetime(conn, thread, self.ttl_minutes, overwrite=False)
            self._threads_with_ttl.add(thread)
        with _late_write_refused(thread):
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a task."""
        with _late_write_refused(str(config["configurable"]["thread_id"])):
            await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        async with self.pool.connection() as conn, conn.transaction():
            await retention.delete_threads(conn, [str(thread_id)])
        self._threads_with_ttl.discard(str(thread_id))

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread; later refuse writes that began before the checkpoint id `at`."""
        async with self.pool.connection() as conn, conn.transaction():
            await retention.delete_with_tombstone(conn, thread_id, at)
        self._threads_with_ttl.discard(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        async with self.pool.connection() as conn, conn.transaction():
            await retention.delete_for_runs(conn, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        with _late_write_refused(target_thread_id):
            async with self.pool.connection() as conn, conn.transaction():
                await retention.copy_thread(conn, source_thread_id, target_thread_id)

    async def aprune_turns(self, thread_id: str, keep: int, whole: int | None = None) -> None:
        """Delete all but the newest `keep` turns; of them, but `whole`, only the end stays."""
        async with self.pool.connection() as conn:
            await retention.keep_turns(conn, thread_id, keep, whole)

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread expires; None means never."""
        async with self.pool.connection() as conn:
            await retention.set_lifetime(
                conn, thread_id, retention.FOREVER_MINUTES if minutes is None else minutes
            )
        self._threads_with_ttl.add(thread_id)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of all users, owner records included."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute("SELECT DISTINCT thread_id FROM checkpoints")
            return [str(row["thread_id"]) for row in await cursor.fetchall()]

    async def asweep(self) -> int:
        """Delete the expired threads; return their number."""
        async with self.pool.connection() as conn:
            expired = await retention.expired_threads(conn)
            if expired:
                async with conn.transaction():
                    await retention.delete_threads(conn, expired)
        return len(expired)

    async def _extend_lifetime(self, thread: str) -> bool:
        """Extend the lifetime of a used thread; if it expired, delete it and return False."""
        async with self.pool.connection() as conn:
            minutes = await retention.extend_lifetime(conn, thread)
        if minutes == 0:
            await self.adelete_thread(thread)
        self._threads_with_ttl.add(thread) if minutes else self._threads_with_ttl.discard(thread)
        return minutes != 0


@asynccontextmanager
async def open_postgres(
    database: Database, ttl_minutes: float | None = None
) -> AsyncIterator[PostgresSaver]:
    """Open the saver on its own connection pool; create missing tables.

    Raises:
        StorageFailed: the server is too old.
        psycopg.Error: the server cannot be reached, or refuses the connection.
    """
    async with open_pool(database) as pool:
        saver = PostgresSaver(pool, ttl_minutes)
        async with setup_lock(pool), pool.connection() as conn, conn.transaction():
            await migrate(conn, "checkpoint_migrations", saver.MIGRATIONS)
            await conn.execute(retention.SCHEMA, prepare=False)
        yield saver


@contextmanager
def _late_write_refused(thread: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        if error.sqlstate != retention.TOMBSTONE_ERROR:
            raise
        raise ThreadDeleted(thread) from None
