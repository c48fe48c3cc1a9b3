"""What erasure needs from the checkpoints on PostgreSQL: raw values."""

from collections.abc import AsyncIterator, Sequence

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from threadkeep.base.postgres import Pool
from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owner_records import RECORD_PREFIX

BATCH_ROWS = 200
RAW_COLUMNS = {
    "checkpoints": (
        ("thread_id", "checkpoint_ns", "checkpoint_id"),
        "convert_to(checkpoint::text || metadata::text, 'UTF8')",
    ),
    "checkpoint_blobs": (("thread_id", "checkpoint_ns", "channel", "version"), "blob"),
    "checkpoint_writes": (
        ("thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx"),
        "blob",
    ),
}


class PostgresRawReader(AsyncPostgresSaver):
    """Reads stored values without deserialising them."""

    pool: Pool

    async def athreads_of_user(self, user_id: str) -> list[str]:
        """Return the ids of the user's threads."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT DISTINCT thread_id FROM checkpoints WHERE metadata ->> %s = %s "
                "AND NOT starts_with(thread_id, %s) ORDER BY 1",
                (USER_KEY, user_id, RECORD_PREFIX),
            )
            return [str(row["thread_id"]) for row in await cursor.fetchall()]

    async def acount(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return the number of checkpoints and of pending writes in threads."""
        counts = []
        async with self.pool.connection() as conn:
            for table in ("checkpoints", "checkpoint_writes"):
                cursor = await conn.execute(
                    f"SELECT count(*) AS n FROM {table} WHERE thread_id = ANY(%s)",
                    (list(threads),),
                )
                row = await cursor.fetchone()
                counts.append(int(row["n"]) if row else 0)
        return counts[0], counts[1]

    async def araw_values_except(self, threads: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield the stored values of all threads except these."""
        for table, (keys, value) in RAW_COLUMNS.items():
            # Keyset pagination: `position` is the primary key of the last row.
            position = [*[""] * (len(keys) - 1), "" if keys[-1] != "idx" else -1_000_000]
            order, placeholders = ", ".join(keys), ", ".join(["%s"] * len(keys))
            while True:
                async with self.pool.connection() as conn:
                    cursor = await conn.execute(
                        f"SELECT {order}, {value} AS value FROM {table} "
                        f"WHERE ({order}) > ({placeholders}) "
                        f"ORDER BY {order} LIMIT {BATCH_ROWS}",
                        position,
                    )
                    rows = await cursor.fetchall()
                for row in rows:
                    position = [row[key] for key in keys]
                    if row["thread_id"] not in threads and row["value"] is not None:
                        yield str(row["thread_id"]).encode() + b"\0" + bytes(row["value"])
                if len(rows) < BATCH_ROWS:
                    break

    async def araw_values_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield the stored values of one thread."""
        for table, (_, value) in RAW_COLUMNS.items():
            async with self.pool.connection() as conn:
                cursor = await conn.execute(
                    f"SELECT {value} AS value FROM {table} WHERE thread_id = %s", (thread,)
                )
                rows = await cursor.fetchall()
            for row in rows:
                if row["value"] is not None:
                    yield bytes(row["value"])
