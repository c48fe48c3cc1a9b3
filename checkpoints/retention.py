"""How far back time travel reaches: delete by run, copy, prune, in SQL on the saver's tables."""

import json
from collections.abc import Sequence

from aiosqlite import Connection

TURNS_KEPT = 20
TABLES = ("writes", "checkpoints")
COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value",
}


async def delete_for_runs(conn: Connection, run_ids: Sequence[str]) -> None:
    """Delete the checkpoints and writes of these runs."""
    of_runs = (
        "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
        "WHERE json_extract(CAST(metadata AS TEXT), '$.run_id') IN "
        "(SELECT value FROM json_each(?))"
    )
    for table in TABLES:
        await conn.execute(
            f"DELETE FROM {table} WHERE (thread_id, checkpoint_ns, checkpoint_id) IN ({of_runs})",
            (json.dumps(list(run_ids)),),
        )
    await conn.commit()


async def copy_thread(conn: Connection, source: str, target: str) -> None:
    """Copy all checkpoints and writes of `source` to `target`."""
    for table, columns in COLUMNS.items():
        await conn.execute(
            f"INSERT OR REPLACE INTO {table} (thread_id, {columns}) "
            f"SELECT ?, {columns} FROM {table} WHERE thread_id = ?",
            (target, source),
        )
    await conn.commit()


async def keep_latest(conn: Connection, thread_id: str) -> None:
    """Delete all but the newest checkpoint of each namespace. Checkpoint ids sort by time."""
    newest = (
        "SELECT max(checkpoint_id) FROM checkpoints AS kept "
        "WHERE kept.thread_id = ?1 AND kept.checkpoint_ns = {table}.checkpoint_ns"
    )
    for table in TABLES:
        await conn.execute(
            f"DELETE FROM {table} WHERE thread_id = ?1 "
            f"AND checkpoint_id < ({newest.format(table=table)})",
            (thread_id,),
        )
    await conn.commit()


async def keep_turns(conn: Connection, thread_id: str, keep: int) -> None:
    """Delete what is older than the newest `keep` turns; each begins with an "input" checkpoint."""
    began = await conn.execute_fetchall(
        "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' "
        "AND json_extract(CAST(metadata AS TEXT), '$.source') = 'input' "
        "ORDER BY checkpoint_id DESC LIMIT 1 OFFSET ?",
        (thread_id, keep - 1),
    )
    for (oldest,) in began:
        for table in TABLES:
            await conn.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < ?",
                (thread_id, oldest),
            )
        await conn.commit()
