"""What forgetting reads of the checkpoints on SQLite, and how no byte of them is left."""

import json
from collections.abc import AsyncIterator, Sequence

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from threadkeep.base.sqlite_scrub import scrub_file, truncate_log
from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owner_records import RECORD_PREFIX

ROWS = 200
BLOBS = {"checkpoints": ("checkpoint", "metadata"), "writes": ("value",)}


class SqliteReading(AsyncSqliteSaver):
    """Reads what is kept without making checkpoints of it."""

    async def athreads_of_user(self, user: str) -> list[str]:
        """Return the ids of the threads in which this user's checkpoints are."""
        await self.setup()
        async with self.lock:
            rows = await self.conn.execute_fetchall(
                "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id NOT GLOB ? AND "
                f"json_extract(CAST(metadata AS TEXT), '$.{USER_KEY}') = ?",
                (f"{RECORD_PREFIX}*", user),
            )
        return sorted(str(row[0]) for row in rows)

    async def acount(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return how many checkpoints and pending writes threads have."""
        counts = []
        async with self.lock:
            for table in BLOBS:
                rows = await self.conn.execute_fetchall(
                    f"SELECT count(*) FROM {table} "
                    "WHERE thread_id IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(threads)),),
                )
                counts.append(int(next(iter(rows))[0]))
        return counts[0], counts[1]

    async def araw_values_except(self, but: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield all that is kept, but for these threads."""
        for table, columns in BLOBS.items():
            after = 0
            while True:
                async with self.lock:
                    rows = list(
                        await self.conn.execute_fetchall(
                            f"SELECT rowid, thread_id, {', '.join(columns)} FROM {table} "
                            f"WHERE rowid > ? ORDER BY rowid LIMIT {ROWS}",
                            (after,),
                        )
                    )
                for number, thread, *blobs in rows:
                    after = int(number)
                    if thread not in but:
                        yield b"\0".join([str(thread).encode(), *map(_bytes, blobs)])
                if len(rows) < ROWS:
                    break

    async def araw_values_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield all that is kept of one thread."""
        for table, columns in BLOBS.items():
            async with self.lock:
                rows = await self.conn.execute_fetchall(
                    f"SELECT {', '.join(columns)} FROM {table} WHERE thread_id = ?", (thread,)
                )
            for row in rows:
                yield b"\0".join(map(_bytes, row))

    async def ascrub(self) -> bool:
        """Leave no byte of what was deleted; tell whether the write-ahead log is empty too."""
        async with self.lock:
            return await scrub_file(self.conn)

    async def atruncate_log(self) -> bool:
        """Empty the write-ahead log; tell whether that went."""
        async with self.lock:
            return await truncate_log(self.conn)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
