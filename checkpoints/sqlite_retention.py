"""SQL of the SQLite saver: delete, copy, prune, expire and tombstones."""

import json
import time
from collections.abc import Sequence

from aiosqlite import Connection

from threadkeep.base.sqlite_file import transaction
from threadkeep.checkpoints.compression import COMPRESSED, MSGPACK, compressed
from threadkeep.checkpoints.pruning import Step, Thinning, cut_of_turns, thin_turns

TABLES = ("writes", "checkpoints")
FOREVER_MINUTES = 1e9
TOMBSTONE_ERROR = "this thread was deleted"
# A write to a deleted thread is late if it builds on a checkpoint older than the deletion: that of
# the outer graph in a subgraph, else the parent, else (the first one of a thread) itself.
# `buried` holds the tombstones.
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
) BEGIN SELECT RAISE(ABORT, '{TOMBSTONE_ERROR}'); END;
CREATE TRIGGER IF NOT EXISTS write_late BEFORE INSERT ON writes WHEN EXISTS (
    SELECT 1 FROM buried WHERE thread_id = new.thread_id AND at > new.checkpoint_id
) BEGIN SELECT RAISE(ABORT, '{TOMBSTONE_ERROR}'); END;
"""
METADATA = "CASE WHEN json_valid(CAST(metadata AS TEXT)) THEN CAST(metadata AS TEXT) ELSE '{}' END"
"""SQL of the metadata of a checkpoint; damaged metadata is empty."""
COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value",
}


async def delete_thread(conn: Connection, thread_id: str) -> None:
    """Delete all checkpoints and writes of a thread."""
    async with transaction(conn):
        for table in (*TABLES, "lifetimes"):
            await conn.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread_id,))


async def delete_with_tombstone(conn: Connection, thread_id: str, at: str) -> None:
    """Delete a thread, and insert its tombstone."""
    async with transaction(conn):
        await conn.execute("INSERT OR REPLACE INTO buried VALUES (?, ?)", (thread_id, at))
        for table in (*TABLES, "lifetimes"):
            await conn.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread_id,))


async def delete_for_runs(conn: Connection, run_ids: Sequence[str]) -> None:
    """Delete the checkpoints and writes of these runs."""
    condition = (
        "WHERE (thread_id, checkpoint_ns, checkpoint_id) IN "
        "(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
        f"WHERE json_extract({METADATA}, '$.run_id') IN "
        "(SELECT value FROM json_each(?)))"
    )
    async with transaction(conn):
        for table in TABLES:
            await conn.execute(f"DELETE FROM {table} {condition}", (json.dumps(list(run_ids)),))


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
        "SELECT max(checkpoint_id) FROM checkpoints AS newest "
        "WHERE newest.thread_id = ?1 AND newest.checkpoint_ns = {table}.checkpoint_ns"
    )
    async with transaction(conn):
        for table in TABLES:
            await conn.execute(
                f"DELETE FROM {table} WHERE thread_id = ?1 "
                f"AND checkpoint_id < ({newest.format(table=table)})",
                (thread_id,),
            )


async def keep_turns(conn: Connection, thread_id: str, keep: int, whole: int | None = None) -> None:
    """Delete all but the newest `keep` turns, see `cut_of_turns` and `thin_turns`."""
    steps = await _steps(conn, thread_id)
    cut = cut_of_turns(steps, keep)
    if cut is not None:
        async with transaction(conn):
            # Writes first: they are kept with the newest checkpoint of their namespace.
            for table in TABLES:
                await conn.execute(
                    f"DELETE FROM {table} WHERE thread_id = ?1 AND ("
                    "(checkpoint_ns = '' AND checkpoint_id < ?2) OR (checkpoint_ns <> '' "
                    "AND checkpoint_id < ?3 AND (instr(checkpoint_ns, ':') OR checkpoint_id < ("
                    "SELECT max(checkpoint_id) FROM checkpoints AS newest "
                    "WHERE newest.thread_id = ?1 "
                    f"AND newest.checkpoint_ns = {table}.checkpoint_ns))))",
                    (thread_id, cut.outer, cut.inner),
                )
        steps = [step for step in steps if step.id >= cut.outer]
    if whole is not None:
        await _thin(conn, thread_id, thin_turns(steps, whole))


async def _steps(conn: Connection, thread_id: str) -> list[Step]:
    rows = await conn.execute_fetchall(
        "SELECT checkpoint_id, parent_checkpoint_id, "
        f"json_extract({METADATA}, '$.source'), "
        f"json_extract({METADATA}, '$.step') "
        "FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ''",
        (thread_id,),
    )
    return [Step(*row) for row in rows]


async def _thin(conn: Connection, thread_id: str, thinning: Thinning) -> None:
    """Remove the checkpoints inside finished turns; compress the states after them."""
    place = "thread_id = ? AND checkpoint_ns = '' AND checkpoint_id"
    rows = await conn.execute_fetchall(
        f"SELECT checkpoint_id, checkpoint FROM checkpoints WHERE {place} IN "
        f"(SELECT value FROM json_each(?)) AND type = '{MSGPACK}'",
        (thread_id, json.dumps(thinning.ends)),
    )
    if not (thinning.removed or rows):
        return
    async with transaction(conn):
        for table in TABLES:
            await conn.execute(
                f"DELETE FROM {table} WHERE {place} IN (SELECT value FROM json_each(?))",
                (thread_id, json.dumps(thinning.removed)),
            )
        for checkpoint_id, parent in thinning.parents.items():
            await conn.execute(
                f"UPDATE checkpoints SET parent_checkpoint_id = ? WHERE {place} = ?",
                (parent, thread_id, checkpoint_id),
            )
        for checkpoint_id, checkpoint in rows:
            await conn.execute(
                f"UPDATE checkpoints SET type = ?, checkpoint = ? WHERE {place} = ?",
                (COMPRESSED, compressed(checkpoint), thread_id, checkpoint_id),
            )


async def set_lifetime(
    conn: Connection, thread_id: str, minutes: float, *, overwrite: bool = True
) -> None:
    """Set how many minutes after its last use a thread expires."""
    change = "UPDATE SET minutes = excluded.minutes, expires_at = excluded.expires_at"
    await conn.execute(
        "INSERT INTO lifetimes (thread_id, minutes, expires_at) VALUES (?, ?, ?) "
        f"ON CONFLICT (thread_id) DO {change if overwrite else 'NOTHING'}",
        (thread_id, minutes, time.time() + minutes * 60),
    )


async def extend_lifetime(conn: Connection, thread_id: str) -> float | None:
    """Extend the lifetime of a used thread; return it in minutes, 0 if expired, None if unset."""
    now = time.time()
    rows = await conn.execute_fetchall(
        "SELECT minutes, expires_at FROM lifetimes WHERE thread_id = ?", (thread_id,)
    )
    for minutes, expires_at in rows:
        if expires_at <= now:
            return 0.0
        await conn.execute(
            "UPDATE lifetimes SET expires_at = ? WHERE thread_id = ?",
            (now + minutes * 60, thread_id),
        )
        return float(minutes)
    return None


async def expired_threads(conn: Connection) -> list[str]:
    """Return the ids of expired threads."""
    rows = await conn.execute_fetchall(
        "SELECT thread_id FROM lifetimes WHERE expires_at <= ?", (time.time(),)
    )
    return [str(row[0]) for row in rows]
