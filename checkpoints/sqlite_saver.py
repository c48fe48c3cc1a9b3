"""The saver on SQLite: LangGraph's own, made complete and strict."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
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
    writes_sort_key,
)
from langgraph.checkpoint.sqlite.utils import pending_writes_sql, search_where

from threadkeep.base.errors import ThreadDeleted
from threadkeep.base.sqlite_file import check_integrity, create_sqlite_file
from threadkeep.checkpoints import sqlite_retention as retention
from threadkeep.checkpoints.damaged import (
    DamageLog,
    newest_readable,
    read_or_skip,
    readable_writes,
)
from threadkeep.checkpoints.pruning import Pruning
from threadkeep.checkpoints.serializer import StateSerializer
from threadkeep.checkpoints.sqlite_erasing import SqliteRawReader

BUSY_MILLISECONDS = 10_000
PUT_CHECKPOINT = (
    "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, "
    "parent_checkpoint_id, type, checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
GET_CHECKPOINT = (
    "SELECT checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints "
    "WHERE thread_id = ? AND checkpoint_ns = ? "
)
NEWEST, BY_ID = "ORDER BY checkpoint_id DESC LIMIT 1", "AND checkpoint_id = ?"
LIST_KEYS = (
    "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints {} ORDER BY checkpoint_id DESC"
)
PAGE = 16
"""Checkpoints of a list that are read at once."""
GET_WRITES = pending_writes_sql(has_task_path=True)
WRITE_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
PUT_WRITES = (
    "INSERT OR IGNORE INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, "
    "idx, channel, type, value) VALUES "
)
REPLACE_WRITES = PUT_WRITES.replace("IGNORE", "REPLACE")


class SqliteSaver(Pruning, SqliteRawReader):
    """`AsyncSqliteSaver` with deletion by run, copy, pruning, expiry and tombstones."""

    def __init__(self, conn: aiosqlite.Connection, ttl_minutes: float | None = None) -> None:
        super().__init__(conn, serde=StateSerializer())
        self.damage = DamageLog()
        self.ttl_minutes = ttl_minutes
        # Threads with a time to live: writes to other threads need no query for it.
        self._threads_with_ttl: set[str] = set()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint, by two statements; an expired thread is deleted instead.

        Raises:
            UnreadableState: none of the thread's checkpoints can be read.
        """
        await self.setup()
        thread = str(config["configurable"]["thread_id"])
        async with self.lock:
            if not await self._extend_lifetime(thread):
                return None
            return await newest_readable(
                config, self._read, lambda: self._checkpoint_ids(config), self.damage
            )

    async def _read(self, config: RunnableConfig) -> CheckpointTuple | None:
        checkpoint_id = get_checkpoint_id(config)
        path = _path_of(config)
        rows = await self.conn.execute_fetchall(
            GET_CHECKPOINT + (BY_ID if checkpoint_id else NEWEST),
            [*path, *filter(None, [checkpoint_id])],
        )
        for row in rows:
            writes = await self.conn.execute_fetchall(GET_WRITES, [*path, row[0]])
            return self._tuple(path, row, list(writes))
        return None

    async def _checkpoint_ids(self, config: RunnableConfig) -> list[str]:
        rows = await self.conn.execute_fetchall(
            "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? "
            "ORDER BY checkpoint_id DESC",
            _path_of(config),
        )
        return [str(row[0]) for row in rows]

    async def _keep_latest(self, thread: str) -> None:
        await self.setup()
        async with self.lock:
            await retention.keep_latest(self.conn, thread)

    def _tuple(self, path: Sequence[str], row: Sequence[Any], writes: list[Any]) -> CheckpointTuple:
        checkpoint_id, parent_id, type_, checkpoint, metadata = row
        ordered = sorted(writes, key=lambda write: writes_sort_key(write[4], write[0], write[5]))
        pending, is_damaged = readable_writes((write[:4] for write in ordered), self.serde)
        if is_damaged:
            self.damage.add(path[0])
        return CheckpointTuple(
            _config(path, checkpoint_id),
            self.serde.loads_typed((type_, checkpoint)),
            json.loads(metadata) if metadata is not None else {},
            _config(path, parent_id) if parent_id else None,
            pending,
        )

    async def _extend_lifetime(self, thread: str) -> bool:
        """Extend the lifetime of a used thread; if it expired, delete it and return False."""
        minutes = await retention.extend_lifetime(self.conn, thread)
        if minutes == 0:
            await retention.delete_thread(self.conn, thread)
        self._threads_with_ttl.add(thread) if minutes else self._threads_with_ttl.discard(thread)
        return minutes != 0

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints that can be read, newest first, without expired threads."""
        await self.setup()
        expired = set(await retention.expired_threads(self.conn))
        condition, values = search_where(config, filter, before)
        condition = condition.replace("CAST(metadata AS TEXT)", retention.METADATA)
        async with self.lock:
            keys = await self.conn.execute_fetchall(LIST_KEYS.format(condition), values)
        paths = [tuple(key) for key in keys if key[0] not in expired]
        remaining = limit
        while paths and remaining != 0:
            size = PAGE if remaining is None else min(PAGE, remaining)
            page, paths = paths[:size], paths[size:]
            # Not while the caller works: it may use the thread meanwhile, or never come back.
            async with self.lock:
                checkpoints = [
                    checkpoint for path in page if (checkpoint := await self._read_listed(path))
                ]
            for checkpoint in checkpoints:
                remaining = remaining and remaining - 1
                yield checkpoint

    async def _read_listed(self, path: tuple[Any, ...]) -> CheckpointTuple | None:
        """Return a checkpoint; None if it is gone by now, or cannot be read."""
        rows = list(await self.conn.execute_fetchall(GET_CHECKPOINT + BY_ID, path))
        if not rows:
            return None
        config, read = _config(path[:2], path[2]), partial(self._read_row, row=rows[0])
        return (await read_or_skip(config, read, self.damage))[0]

    async def _read_row(self, config: RunnableConfig, row: Sequence[Any]) -> CheckpointTuple:
        path = _path_of(config)
        writes = await self.conn.execute_fetchall(GET_WRITES, [*path, row[0]])
        return self._tuple(path, row, list(writes))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint: the row of `AsyncSqliteSaver`, by one statement."""
        await self.setup()
        configurable = config["configurable"]
        metadata_json = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False)
        row = (
            str(configurable["thread_id"]),
            configurable["checkpoint_ns"],
            checkpoint["id"],
            configurable.get("checkpoint_id"),
            *self.serde.dumps_typed(checkpoint),
            metadata_json.encode("utf-8", "ignore"),
        )
        async with self.lock:
            if row[0] in self._threads_with_ttl:
                await self._extend_lifetime(row[0])
            if self.ttl_minutes is not None and row[0] not in self._threads_with_ttl:
                await retention.set_lifetime(self.conn, row[0], self.ttl_minutes, overwrite=False)
                self._threads_with_ttl.add(row[0])
            with _late_write_refused(row[0]):
                await self.conn.execute_fetchall(PUT_CHECKPOINT, row)
        path = {key: configurable[key] for key in ("thread_id", "checkpoint_ns")}
        return {"configurable": {**path, "checkpoint_id": checkpoint["id"]}}

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a task: the rows of `AsyncSqliteSaver`, by one statement."""
        if not writes:
            return
        await self.setup()
        configurable = config["configurable"]
        thread = str(configurable["thread_id"])
        path = (thread, configurable["checkpoint_ns"], configurable["checkpoint_id"])
        rows = [
            (
                *(*path, task_id, task_path, WRITES_IDX_MAP.get(channel, index), channel),
                *self.serde.dumps_typed(value),
            )
            for index, (channel, value) in enumerate(writes)
        ]
        special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        statement = REPLACE_WRITES if special else PUT_WRITES
        async with self.lock:
            # One statement is one transaction: the connection is in autocommit mode.
            with _late_write_refused(thread):
                await self.conn.execute_fetchall(
                    statement + ", ".join([WRITE_ROW] * len(rows)),
                    [column for row in rows for column in row],
                )

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self.setup()
        async with self.lock:
            await retention.delete_thread(self.conn, str(thread_id))
        self._threads_with_ttl.discard(str(thread_id))

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread; later refuse writes that began before the checkpoint id `at`."""
        await self.setup()
        async with self.lock:
            await retention.delete_with_tombstone(self.conn, thread_id, at)
        self._threads_with_ttl.discard(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        await self.setup()
        async with self.lock:
            await retention.delete_for_runs(self.conn, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        await self.setup()
        async with self.lock:
            with _late_write_refused(target_thread_id):
                await retention.copy_thread(self.conn, source_thread_id, target_thread_id)

    async def aprune_turns(self, thread_id: str, keep: int, whole: int | None = None) -> None:
        """Delete all but the newest `keep` turns; of them, but `whole`, only the end stays."""
        await self.setup()
        async with self.lock:
            await retention.keep_turns(self.conn, thread_id, keep, whole)

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread expires; None means never."""
        await self.setup()
        async with self.lock:
            await retention.set_lifetime(
                self.conn, thread_id, retention.FOREVER_MINUTES if minutes is None else minutes
            )
        self._threads_with_ttl.add(thread_id)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of all users, owner records included."""
        await self.setup()
        async with self.lock:
            rows = await self.conn.execute_fetchall("SELECT DISTINCT thread_id FROM checkpoints")
        return [str(row[0]) for row in rows]

    async def acheck(self) -> None:
        """Read the whole file.

        Raises:
            sqlite3.DatabaseError: it is damaged.
        """
        await self.setup()
        async with self.lock:
            await check_integrity(self.conn)

    async def asweep(self) -> int:
        """Delete the expired threads; return their number."""
        await self.setup()
        async with self.lock:
            expired = await retention.expired_threads(self.conn)
            for thread in expired:
                await retention.delete_thread(self.conn, thread)
        return len(expired)


@asynccontextmanager
async def open_sqlite(path: Path, ttl_minutes: float | None = None) -> AsyncIterator[SqliteSaver]:
    """Open the saver of the database file `path`, on its own connection."""
    # Open the file here first: aiosqlite leaks a thread if it cannot be opened.
    await asyncio.to_thread(create_sqlite_file, path)
    async with aiosqlite.connect(path, isolation_level=None) as conn:
        await conn.execute_fetchall(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        # NORMAL is enough for a power cut: the store commits the turn's messages to the same file
        # with FULL, which also syncs the checkpoints before them. A kill loses nothing.
        await conn.execute_fetchall("PRAGMA synchronous = NORMAL")
        await conn.execute_fetchall("PRAGMA secure_delete = ON")
        saver = SqliteSaver(conn, ttl_minutes)
        await saver.setup()
        await conn.executescript(retention.SCHEMA)
        yield saver


def _path_of(config: RunnableConfig) -> list[str]:
    configurable = config["configurable"]
    return [str(configurable["thread_id"]), configurable.get("checkpoint_ns", "")]


def _config(path: Sequence[str], checkpoint_id: str) -> RunnableConfig:
    thread, namespace = path
    return {
        "configurable": {
            "thread_id": thread,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
        }
    }


@contextmanager
def _late_write_refused(thread: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if retention.TOMBSTONE_ERROR not in str(error):
            raise
        raise ThreadDeleted(thread) from None
