"""What forgetting reads of the checkpoints on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from threadkeep.base.postgres import Pool
from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owner_records import RECORD_PREFIX

ROWS = 200
TEXTS = {
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


class PostgresReading(AsyncPostgresSaver):
    """Reads what is kept without making checkpoints of it."""

    pool: Pool

    async def athreads_of_user(self, user: str) -> list[str]:
        """Return the ids of the threads in which this user's checkpoints are."""
        async with self.pool.connection() as conn:
            found = await conn.execute(
                "SELECT DISTINCT thread_id FROM checkpoints WHERE metadata ->> %s = %s "
                "AND NOT starts_with(thread_id, %s) ORDER BY 1",
                (USER_KEY, user, RECORD_PREFIX),
            )
            return [str(row["thread_id"]) for row in await found.fetchall()]

    async def acount(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return how many checkpoints and pending writes threads have."""
        counts = []
        async with self.pool.connection() as conn:
            for table in ("checkpoints", "checkpoint_writes"):
                found = await conn.execute(
                    f"SELECT count(*) AS n FROM {table} WHERE thread_id = ANY(%s)",
                    (list(threads),),
                )
                row = await found.fetchone()
                counts.append(int(row["n"]) if row else 0)
        return counts[0], counts[1]

    async def araw_values_except(self, but: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield all that is kept, but for these threads."""
        for table, (keys, text) in TEXTS.items():
            place = [*[""] * (len(keys) - 1), "" if keys[-1] != "idx" else -1_000_000]
            order, holes = ", ".join(keys), ", ".join(["%s"] * len(keys))
            while True:
                async with self.pool.connection() as conn:
                    found = await conn.execute(
                        f"SELECT {order}, {text} AS text FROM {table} WHERE ({order}) > ({holes}) "
                        f"ORDER BY {order} LIMIT {ROWS}",
                        place,
                    )
                    rows = await found.fetchall()
                for row in rows:
                    place = [row[key] for key in keys]
                    if row["thread_id"] not in but and row["text"] is not None:
                        yield str(row["thread_id"]).encode() + b"\0" + bytes(row["text"])
                if len(rows) < ROWS:
                    break

    async def araw_values_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield all that is kept of one thread."""
        for table, (_, text) in TEXTS.items():
            async with self.pool.connection() as conn:
                found = await conn.execute(
                    f"SELECT {text} AS text FROM {table} WHERE thread_id = %s", (thread,)
                )
                rows = await found.fetchall()
            for row in rows:
                if row["text"] is not None:
                    yield bytes(row["text"])
