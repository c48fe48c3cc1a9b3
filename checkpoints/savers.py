"""Short-term memory on SQLite: LangGraph's own saver, made complete and strict."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from checkpoints import retention
from graph.errors import StorageFailed

BUSY_MILLISECONDS = 10_000


class SqliteSaver(AsyncSqliteSaver):
    """`AsyncSqliteSaver` with what it lacks: delete by run, copy, prune; strict about types."""

    def __init__(self, conn: aiosqlite.Connection) -> None:
        # None allows only what LangGraph itself knows to be safe: messages and plain values.
        super().__init__(conn, serde=JsonPlusSerializer(allowed_msgpack_modules=None))

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
        async with aiosqlite.connect(path) as conn:
            await conn.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            # FULL: a turn that was acknowledged survives a power cut.
            await conn.execute("PRAGMA synchronous = FULL")
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
