"""Short-term memory on SQLite: LangGraph's own saver, made complete and strict."""

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
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from checkpoints import retention
from graph.errors import StorageFailed

BUSY_MILLISECONDS = 10_000
PUT_CHECKPOINT = (
    "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, "
    "parent_checkpoint_id, type, checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
WRITE = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
PUT_WRITES = (
    "INSERT OR IGNORE INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, "
    "idx, channel, type, value) VALUES "
)
PUT_WRITES_AGAIN = PUT_WRITES.replace("IGNORE", "REPLACE")


class SqliteSaver(AsyncSqliteSaver):
    """`AsyncSqliteSaver` with what it lacks: delete by run, copy, prune; strict about types."""

    def __init__(self, conn: aiosqlite.Connection) -> None:
        # None allows only what LangGraph itself knows to be safe: messages and plain values.
        super().__init__(conn, serde=JsonPlusSerializer(allowed_msgpack_modules=None))

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
            await self.conn.execute_fetchall(
                put + ", ".join([WRITE] * len(rows)), [column for row in rows for column in row]
            )

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self.setup()
        async with self.lock:
            await retention.delete_thread(self.conn, str(thread_id))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        await self.setup()
        async with self.lock:
            await retention.delete_for_runs(self.conn, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        await self.setup()
        async with self.lock:
            await retention.copy_thread(self.conn, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep only the newest checkpoint per namespace, or with "delete" none.

        Raises:
            ValueError: the strategy is neither.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"strategy {strategy!r} is neither 'keep_latest' nor 'delete'")
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
                continue
            await self.setup()
            async with self.lock:
                await retention.keep_latest(self.conn, thread_id)

    async def prune_turns(self, thread_id: str, keep: int) -> None:
        """Keep the checkpoints of the newest `keep` turns."""
        await self.setup()
        async with self.lock:
            await retention.keep_turns(self.conn, thread_id, keep)


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncIterator[SqliteSaver]:
    """Open the saver on the database at `path`, on a connection of its own.

    Raises:
        StorageFailed: the file cannot be read or written.
    """
    with storage_errors(path):
        async with aiosqlite.connect(path, isolation_level=None) as conn:
            await conn.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            # NORMAL is enough for a power cut: the store commits the turn's words to the same file
            # with FULL, and that sync takes the checkpoints before it along. A kill loses nothing.
            await conn.execute("PRAGMA synchronous = NORMAL")
            await conn.execute("PRAGMA secure_delete = ON")
            saver = SqliteSaver(conn)
            await saver.setup()
            yield saver


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite complains about into one sentence.

    Raises:
        StorageFailed: SQLite raised.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StorageFailed(
            f"The database {str(path)!r} cannot be used ({error}); check its disk and its rights, "
            "or set THREADKEEP_HOME to another folder."
        ) from error
