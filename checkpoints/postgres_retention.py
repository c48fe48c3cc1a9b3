"""SQL of the PostgreSQL saver: delete, copy, prune, expire and tombstones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from threadkeep.checkpoints.pruning import Step, cut_of_turns, thin_turns

if TYPE_CHECKING:
    from threadkeep.base.postgres import Connection

TABLES = ("checkpoint_writes", "checkpoint_blobs", "checkpoints", "lifetimes")
COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
    "checkpoint_writes": (
        "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob"
    ),
}
FOREVER_MINUTES = 1e9
TOMBSTONE_ERROR = "TK001"
"""SQLSTATE of a late write to a deleted thread."""
# See sqlite_retention.py for which writes are late. `buried` holds the tombstones.
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS lifetimes (
    thread_id text PRIMARY KEY, minutes double precision NOT NULL, expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS lifetimes_end ON lifetimes (expires_at);
CREATE INDEX IF NOT EXISTS checkpoints_run ON checkpoints ((metadata ->> 'run_id'));
CREATE TABLE IF NOT EXISTS buried (thread_id text PRIMARY KEY, at text NOT NULL);
CREATE OR REPLACE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE current_checkpoint text := new.checkpoint_id;
BEGIN
    IF TG_TABLE_NAME = 'checkpoints' THEN
        current_checkpoint := coalesce(
            new.metadata -> 'parents' ->> '', new.parent_checkpoint_id, new.checkpoint_id
        );
    END IF;
    -- A deletion takes the same lock: either it sees this row, or this row its tombstone.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(new.thread_id, 0));
    IF EXISTS (
        SELECT 1 FROM buried
        WHERE thread_id = new.thread_id AND at COLLATE "C" > current_checkpoint COLLATE "C"
    ) THEN
        RAISE EXCEPTION 'this thread was deleted' USING ERRCODE = '{TOMBSTONE_ERROR}';
    END IF;
    RETURN new;
END $$;
CREATE OR REPLACE TRIGGER checkpoint_late BEFORE INSERT ON checkpoints
FOR EACH ROW EXECUTE FUNCTION refuse_late();
CREATE OR REPLACE TRIGGER write_late BEFORE INSERT ON checkpoint_writes
FOR EACH ROW EXECUTE FUNCTION refuse_late()
"""
# Also deletes blobs that no other checkpoint references. A channel keeps its version until it
# changes, so that one blob may belong to many checkpoints.
DELETE_CHECKPOINTS = """
WITH removed AS (
    DELETE FROM checkpoints WHERE {condition}
    RETURNING thread_id, checkpoint_ns, checkpoint_id, checkpoint -> 'channel_versions' AS versions
), old_writes AS (
    DELETE FROM checkpoint_writes w USING removed
    WHERE w.thread_id = removed.thread_id AND w.checkpoint_ns = removed.checkpoint_ns
        AND w.checkpoint_id = removed.checkpoint_id
), referenced AS (
    SELECT DISTINCT c.thread_id, c.checkpoint_ns, v.key, v.value
    FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') AS v
    WHERE c.thread_id IN (SELECT thread_id FROM removed)
        AND (c.thread_id, c.checkpoint_ns, c.checkpoint_id)
            NOT IN (SELECT thread_id, checkpoint_ns, checkpoint_id FROM removed)
), unreferenced AS (
    SELECT DISTINCT removed.thread_id, removed.checkpoint_ns, v.key, v.value
    FROM removed CROSS JOIN LATERAL jsonb_each_text(removed.versions) AS v
    EXCEPT SELECT thread_id, checkpoint_ns, key, value FROM referenced
)
DELETE FROM checkpoint_blobs b USING unreferenced
WHERE b.thread_id = unreferenced.thread_id AND b.checkpoint_ns = unreferenced.checkpoint_ns
    AND b.channel = unreferenced.key AND b.version = unreferenced.value
"""
PRUNED = """
thread_id = %(thread)s AND ((checkpoint_ns = '' AND checkpoint_id < %(outer)s)
    OR (checkpoint_ns <> '' AND checkpoint_id < %(inner)s AND (
        strpos(checkpoint_ns, ':') > 0 OR checkpoint_id < (
            SELECT max(newest.checkpoint_id) FROM checkpoints AS newest
            WHERE newest.thread_id = %(thread)s AND newest.checkpoint_ns = {table}.checkpoint_ns
        )
    )))
"""


async def delete_threads(conn: "Connection", threads: Sequence[str]) -> None:
    """Delete all checkpoints and writes of threads."""
    for table in TABLES:
        await conn.execute(f"DELETE FROM {table} WHERE thread_id = ANY(%s)", (list(threads),))


async def delete_with_tombstone(conn: "Connection", thread: str, at: str) -> None:
    """Delete a thread, and insert its tombstone."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (thread,))
    await conn.execute(
        "INSERT INTO buried VALUES (%s, %s) ON CONFLICT (thread_id) DO UPDATE SET at = excluded.at",
        (thread, at),
    )
    await delete_threads(conn, [thread])


async def delete_for_runs(conn: "Connection", run_ids: Sequence[str]) -> None:
    """Delete the checkpoints and writes of these runs."""
    condition = "metadata ->> 'run_id' = ANY(%s)"
    await conn.execute(DELETE_CHECKPOINTS.format(condition=condition), (list(run_ids),))


async def copy_thread(conn: "Connection", source: str, target: str) -> None:
    """Copy all checkpoints and writes of `source` to `target`."""
    for table, columns in COLUMNS.items():
        await conn.execute(
            f"INSERT INTO {table} (thread_id, {columns}) "
            f"SELECT %s, {columns} FROM {table} WHERE thread_id = %s ON CONFLICT DO NOTHING",
            (target, source),
        )


async def keep_turns(
    conn: "Connection", thread_id: str, keep: int, whole: int | None = None
) -> None:
    """Delete all but the newest `keep` turns, see `cut_of_turns` and `thin_turns`."""
    if cut := cut_of_turns(await _steps(conn, thread_id), keep):
        parameters = {"thread": thread_id, "outer": cut.outer, "inner": cut.inner}
        condition = PRUNED.format(table="checkpoints")
        await conn.execute(DELETE_CHECKPOINTS.format(condition=condition), parameters)
        # Writes whose checkpoint was never saved, because of a crash.
        condition = PRUNED.format(table="checkpoint_writes")
        await conn.execute(f"DELETE FROM checkpoint_writes WHERE {condition}", parameters)
    if whole is None:
        return
    thinning = thin_turns(await _steps(conn, thread_id), whole)
    if thinning.removed:
        # Parents first: what is cut off between the two leaves a chain without gaps.
        await conn.execute(
            "UPDATE checkpoints AS c SET parent_checkpoint_id = new.parent "
            "FROM unnest(%s::text[], %s::text[]) AS new (id, parent) "
            "WHERE c.thread_id = %s AND c.checkpoint_ns = '' AND c.checkpoint_id = new.id",
            ([*thinning.parents], [*thinning.parents.values()], thread_id),
        )
        condition = "thread_id = %s AND checkpoint_ns = '' AND checkpoint_id = ANY(%s)"
        await conn.execute(
            DELETE_CHECKPOINTS.format(condition=condition), (thread_id, thinning.removed)
        )


async def _steps(conn: "Connection", thread_id: str) -> list[Step]:
    cursor = await conn.execute(
        "SELECT checkpoint_id, parent_checkpoint_id, metadata ->> 'source' AS source, "
        "(metadata ->> 'step')::int AS step FROM checkpoints "
        "WHERE thread_id = %s AND checkpoint_ns = ''",
        (thread_id,),
    )
    return [Step(*row.values()) for row in await cursor.fetchall()]


async def set_lifetime(
    conn: "Connection", thread_id: str, minutes: float, *, overwrite: bool = True
) -> None:
    """Set how many minutes after its last use a thread expires."""
    change = "UPDATE SET minutes = excluded.minutes, expires_at = excluded.expires_at"
    await conn.execute(
        "INSERT INTO lifetimes (thread_id, minutes, expires_at) "
        "VALUES (%s, %s, clock_timestamp() + %s * interval '1 minute') "
        f"ON CONFLICT (thread_id) DO {change if overwrite else 'NOTHING'}",
        (thread_id, minutes, minutes),
    )


async def extend_lifetime(conn: "Connection", thread_id: str) -> float | None:
    """Extend the lifetime of a used thread; return it in minutes, 0 if expired, None if unset."""
    cursor = await conn.execute(
        "SELECT minutes, expires_at <= clock_timestamp() AS expired FROM lifetimes "
        "WHERE thread_id = %s",
        (thread_id,),
    )
    row = await cursor.fetchone()
    if row is None or row["expired"]:
        return 0.0 if row else None
    await conn.execute(
        "UPDATE lifetimes SET expires_at = clock_timestamp() + minutes * interval '1 minute' "
        "WHERE thread_id = %s",
        (thread_id,),
    )
    return float(row["minutes"])


async def expired_threads(conn: "Connection") -> list[str]:
    """Return the ids of expired threads."""
    cursor = await conn.execute(
        "SELECT thread_id FROM lifetimes WHERE expires_at <= clock_timestamp()"
    )
    return [str(row["thread_id"]) for row in await cursor.fetchall()]
