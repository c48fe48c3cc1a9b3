"""Short-term memory on SQLite: LangGraph's own saver, made complete and strict."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.utils import load_pending_writes, pending_writes_sql

from threadkeep.base.errors import ThreadDeleted
from threadkeep.checkpoints import sqlite_retention as retention
from threadkeep.checkpoints.pruning import Pruning
from threadkeep.checkpoints.sqlite_erasing import SqliteReading

BUSY_MILLISECONDS = 10_000
PUT_CHECKPOINT = (
    "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, "
    "parent_checkpoint_id, type, checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
GET_CHECKPOINT = (
    "SELECT checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? "
)
NEWEST, THAT_ONE = "ORDER BY checkpoint_id DESC LIMIT 1", "AND checkpoint_id = ?"
GET_WRITES = pending_writes_sql(has_task_path=True)
WRITE = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
PUT_WRITES = (
    "INSERT OR IGNORE INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, "
    "idx, channel, type, value) VALUES "
)
PUT_WRITES_AGAIN = PUT_WRITES.replace("IGNORE", "REPLACE")


class SqliteSaver(Pruning, SqliteReading):
    """`AsyncSqliteSaver` with what it lacks: delete by run, copy, prune; strict about types."""

    def __init__(self, conn: aiosqlite.Connection, ttl_minutes: float | None = None) -> None:
        # None allows only what LangGraph itself knows to be safe: messages and plain values.
        super().__init__(conn, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self.ttl_minutes = ttl_minutes
        # Threads known to have a time to live: the others need not be asked at every write.
        self._mortal: set[str] = set()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint, in two steps; a thread that has expired is deleted instead."""
        await self.setup()
        run = config["configurable"]
        place = [str(run["thread_id"]), run.get("checkpoint_ns", "")]
        wanted = get_checkpoint_id(config)
        async with self.lock:
            if not await self._alive(place[0]):
                return None
            rows = await self.conn.execute_fetchall(
                GET_CHECKPOINT + (THAT_ONE if wanted else NEWEST), [*place, *filter(None, [wanted])]
            )
            for row in rows:
                writes = await self.conn.execute_fetchall(GET_WRITES, [*place, row[0]])
                return self._tuple(place, row, list(writes))
        return None

    async def _keep_latest(self, thread: str) -> None:
        await self.setup()
        async with self.lock:
            await retention.keep_latest(self.conn, thread)

    def _tuple(
        self, place: Sequence[str], row: Sequence[Any], writes: list[Any]
    ) -> CheckpointTuple:
        found, parent, type_, checkpoint, metadata = row
        return CheckpointTuple(
            _config(place, found),
            self.serde.loads_typed((type_, checkpoint)),
            json.loads(metadata) if metadata is not None else {},
            _config(place, parent) if parent else None,
            load_pending_writes(writes, self.serde),
        )

    async def _alive(self, thread: str) -> bool:
        """Extend a thread's life by its use; delete it where that is over."""
        minutes = await retention.use_thread(self.conn, thread)
        if minutes == 0:
            await retention.delete_thread(self.conn, thread)
        self._mortal.add(thread) if minutes else self._mortal.discard(thread)
        return minutes != 0

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, the newest first; none of threads that have expired."""
        over = set(await retention.expired(self.conn)) if self.is_setup else set()
        left = limit
        async for found in super().alist(config, filter=filter, before=before):
            if left == 0:
                return
            if found.config["configurable"]["thread_id"] not in over:
                left = left and left - 1
                yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; the stock saver's row, in one step of the connection's thread."""
        await self.setup()
        run = config["configurable"]
        described = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False)
        row = (
            str(run["thread_id"]),
            run["checkpoint_ns"],
            checkpoint["id"],
            run.get("checkpoint_id"),
            *self.serde.dumps_typed(checkpoint),
            described.encode("utf-8", "ignore"),
        )
        async with self.lock:
            if row[0] in self._mortal:
                await self._alive(row[0])
            if self.ttl_minutes is not None and row[0] not in self._mortal:
                await retention.set_lifetime(self.conn, row[0], self.ttl_minutes, anew=False)
                self._mortal.add(row[0])
            with _late_is_refused(row[0]):
                await self.conn.execute_fetchall(PUT_CHECKPOINT, row)
        kept = {key: run[key] for key in ("thread_id", "checkpoint_ns")}
        return {"configurable": {**kept, "checkpoint_id": checkpoint["id"]}}

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task wrote; the stock saver's rows, in one step of the thread."""
        if not writes:
            return
        await self.setup()
        run = config["configurable"]
        place = (str(run["thread_id"]), run["checkpoint_ns"], run["checkpoint_id"])
        rows = [
            (
                *(*place, task_id, task_path, WRITES_IDX_MAP.get(channel, index), channel),
                *self.serde.dumps_typed(value),
            )
            for index, (channel, value) in enumerate(writes)
        ]
        again = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        put = PUT_WRITES_AGAIN if again else PUT_WRITES
        async with self.lock:
            # One statement is one transaction: the connection commits by itself.
            with _late_is_refused(place[0]):
                await self.conn.execute_fetchall(
                    put + ", ".join([WRITE] * len(rows)), [column for row in rows for column in row]
                )

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self.setup()
        async with self.lock:
            await retention.delete_thread(self.conn, str(thread_id))
        self._mortal.discard(str(thread_id))

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread as of a checkpoint id; what comes late from before then is refused."""
        await self.setup()
        async with self.lock:
            await retention.bury_thread(self.conn, thread_id, at)
        self._mortal.discard(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        await self.setup()
        async with self.lock:
            await retention.delete_for_runs(self.conn, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        await self.setup()
        async with self.lock:
            with _late_is_refused(target_thread_id):
                await retention.copy_thread(self.conn, source_thread_id, target_thread_id)

    async def aprune_turns(self, thread_id: str, keep: int) -> None:
        """Keep the checkpoints of the newest `keep` turns."""
        await self.setup()
        async with self.lock:
            await retention.keep_turns(self.conn, thread_id, keep)

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread is kept; None keeps it."""
        await self.setup()
        async with self.lock:
            await retention.set_lifetime(
                self.conn, thread_id, retention.FOREVER_MINUTES if minutes is None else minutes
            )
        self._mortal.add(thread_id)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of everybody, those of records too."""
        await self.setup()
        async with self.lock:
            rows = await self.conn.execute_fetchall("SELECT DISTINCT thread_id FROM checkpoints")
        return [str(row[0]) for row in rows]

    async def asweep(self) -> int:
        """Delete the threads that have expired; return how many that was."""
        await self.setup()
        async with self.lock:
            over = await retention.expired(self.conn)
            for thread in over:
                await retention.delete_thread(self.conn, thread)
        return len(over)


@asynccontextmanager
async def open_sqlite(path: Path, ttl_minutes: float | None = None) -> AsyncIterator[SqliteSaver]:
    """Open the saver on the database at `path`, on a connection of its own."""
    # Tried first: aiosqlite leaves a thread behind where the file cannot be opened.
    await asyncio.to_thread(lambda: sqlite3.connect(path).close())
    async with aiosqlite.connect(path, isolation_level=None) as conn:
        await conn.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        # NORMAL is enough for a power cut: the store commits the turn's words to the same file
        # with FULL, and that sync takes the checkpoints before it along. A kill loses nothing.
        await conn.execute("PRAGMA synchronous = NORMAL")
        await conn.execute("PRAGMA secure_delete = ON")
        saver = SqliteSaver(conn, ttl_minutes)
        await saver.setup()
        await conn.executescript(retention.SCHEMA)
        yield saver


def _config(place: Sequence[str], checkpoint_id: str) -> RunnableConfig:
    thread, namespace = place
    run = {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
    return {"configurable": run}


@contextmanager
def _late_is_refused(thread: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if retention.BURIED not in str(error):
            raise
        raise ThreadDeleted(thread) from None
