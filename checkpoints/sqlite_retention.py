"""What is kept on SQLite, and how long: delete, copy, prune, expire, on the saver's tables."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiosqlite import Connection

TABLES = ("writes", "checkpoints")
FOREVER_MINUTES = 1e9
BURIED = "this thread was deleted"
# What is written to a deleted thread is late when the checkpoint it stands on is older than the
# deletion: the one of the graph around a subgraph, else its parent, else, at a beginning, itself.
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS lifetimes (
    thread_id TEXT PRIMARY KEY, minutes REAL NOT NULL, expires_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS lifetimes_end ON lifetimes (expires_at);
CREATE TABLE IF NOT EXISTS buried (thread_id TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS checkpoint_late BEFORE INSERT ON checkpoints WHEN EXISTS (
    SELECT 1 FROM buried WHERE thread_id = new.thread_id AND at > coalesce(
        json_extract(CAST(new.metadata AS TEXT), '$.parents.""'),
        new.parent_checkpoint_id, new.checkpoint_id
    )
) BEGIN SELECT RAISE(ABORT, '{BURIED}'); END;
CREATE TRIGGER IF NOT EXISTS write_late BEFORE INSERT ON writes WHEN EXISTS (
    SELECT 1 FROM buried WHERE thread_id = new.thread_id AND at > new.checkpoint_id
) BEGIN SELECT RAISE(ABORT, '{BURIED}'); END;
"""
COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value",
}


@asynccontextmanager
async def transaction(conn: Connection) -> AsyncIterator[None]:
    """Do all of it or nothing, on a connection that else commits by itself."""
    await conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        await conn.execute("COMMIT")
    except BaseException:
        await conn.execute("ROLLBACK")
        raise


async def delete_thread(conn: Connection, thread_id: str) -> None:
    """Delete all checkpoints and writes of a thread."""
    async with transaction(conn):
        for table in (*TABLES, "lifetimes"):
            await conn.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread_id,))


async def bury_thread(conn: Connection, thread_id: str, at: str) -> None:
    """Delete a thread and note when; nothing of its content stays."""
    async with transaction(conn):
        await conn.execute("INSERT OR REPLACE INTO buried VALUES (?, ?)", (thread_id, at))
        for table in (*TABLES, "lifetimes"):
            await conn.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread_id,))


async def delete_for_runs(conn: Connection, run_ids: Sequence[str]) -> None:
    """Delete the checkpoints and writes of these runs."""
    where = (
        "WHERE (thread_id, checkpoint_ns, checkpoint_id) IN "
        "(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
        "WHERE json_extract(CAST(metadata AS TEXT), '$.run_id') IN "
        "(SELECT value FROM json_each(?)))"
    )
    async with transaction(conn):
        for table in TABLES:
            await conn.execute(f"DELETE FROM {table} {where}", (json.dumps(list(run_ids)),))


async def copy_thread(conn: Connection, source: str, target: str) -> None:
    """Copy all checkpoints and writes of `source` to `target`."""
    async with transaction(conn):
        for table, columns in COLUMNS.items():
            await conn.execute(
                f"INSERT OR REPLACE INTO {table} (thread_id, {columns}) "
                f"SELECT ?, {columns} FROM {table} WHERE thread_id = ?",
                (target, source),
            )


async def keep_latest(conn: Connection, thread_id: str) -> None:
    """Delete all but the newest checkpoint of each namespace. Checkpoint ids sort by time."""
    newest = (
        "SELECT max(checkpoint_id) FROM checkpoints AS kept "
        "WHERE kept.thread_id = ?1 AND kept.checkpoint_ns = {table}.checkpoint_ns"
    )
    async with transaction(conn):
        for table in TABLES:
            await conn.execute(
                f"DELETE FROM {table} WHERE thread_id = ?1 "
                f"AND checkpoint_id < ({newest.format(table=table)})",
                (thread_id,),
            )


async def keep_turns(conn: Connection, thread_id: str, keep: int) -> None:
    """Delete what is older than the newest `keep` turns; each begins with an "input" checkpoint."""
    began = await conn.execute_fetchall(
        "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' "
        "AND json_extract(CAST(metadata AS TEXT), '$.source') = 'input' "
        "ORDER BY checkpoint_id DESC LIMIT 1 OFFSET ?",
        (thread_id, keep - 1),
    )
    for (oldest,) in began:
        async with transaction(conn):
            for table in TABLES:
                await conn.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < ?",
                    (thread_id, oldest),
                )


async def set_lifetime(
    conn: Connection, thread_id: str, minutes: float, *, anew: bool = True
) -> None:
    """Let a thread expire so long after its last use; not `anew`: unless that is set already."""
    change = "UPDATE SET minutes = excluded.minutes, expires_at = excluded.expires_at"
    await conn.execute(
        "INSERT INTO lifetimes (thread_id, minutes, expires_at) VALUES (?, ?, ?) "
        f"ON CONFLICT (thread_id) DO {change if anew else 'NOTHING'}",
        (thread_id, minutes, time.time() + minutes * 60),
    )


async def use_thread(conn: Connection, thread_id: str) -> float | None:
    """Extend a thread's life by its use; return its length in minutes, 0 where it is over."""
    now = time.time()
    rows = await conn.execute_fetchall(
        "SELECT minutes, expires_at FROM lifetimes WHERE thread_id = ?", (thread_id,)
    )
    for minutes, ends in rows:
        if ends <= now:
            return 0.0
        await conn.execute(
            "UPDATE lifetimes SET expires_at = ? WHERE thread_id = ?",
            (now + minutes * 60, thread_id),
        )
        return float(minutes)
    return None


async def expired(conn: Connection) -> list[str]:
    """Return the threads whose life is over."""
    rows = await conn.execute_fetchall(
        "SELECT thread_id FROM lifetimes WHERE expires_at <= ?", (time.time(),)
    )
    return [str(row[0]) for row in rows]
