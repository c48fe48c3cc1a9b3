"""What erasure needs from the checkpoints on SQLite: raw values and scrubbing."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from threadkeep.base.sqlite_scrub import scrub_file, truncate_log
from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.compression import COMPRESSED, decompressed
from threadkeep.checkpoints.owner_records import RECORD_PREFIX
from threadkeep.checkpoints.sqlite_retention import METADATA

BATCH_ROWS = 200
RAW_COLUMNS = {"checkpoints": ("type", "checkpoint", "metadata"), "writes": ("type", "value")}


class SqliteRawReader(AsyncSqliteSaver):
    """Reads stored values without deserialising them; scrubs deleted rows."""

    async def athreads_of_user(self, user_id: str) -> list[str]:
        """Return the ids of the user's threads."""
        await self.setup()
        async with self.lock:
            rows = await self.conn.execute_fetchall(
                "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id NOT GLOB ? AND "
                f"json_extract({METADATA}, '$.{USER_KEY}') = ?",
                (f"{RECORD_PREFIX}*", user_id),
            )
        return sorted(str(row[0]) for row in rows)

    async def acount(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return the number of checkpoints and of pending writes in threads."""
        counts = []
        async with self.lock:
            for table in RAW_COLUMNS:
                rows = await self.conn.execute_fetchall(
                    f"SELECT count(*) FROM {table} "
                    "WHERE thread_id IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(threads)),),
                )
                counts.append(int(next(iter(rows))[0]))
        return counts[0], counts[1]

    async def araw_values_except(self, threads: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield the stored values of all threads except these."""
        for table, columns in RAW_COLUMNS.items():
            last_rowid = 0
            while True:
                async with self.lock:
                    rows = list(
                        await self.conn.execute_fetchall(
                            f"SELECT rowid, thread_id, {', '.join(columns)} FROM {table} "
                            f"WHERE rowid > ? ORDER BY rowid LIMIT {BATCH_ROWS}",
                            (last_rowid,),
                        )
                    )
                for rowid, thread, *columns_of_row in rows:
                    last_rowid = int(rowid)
                    if thread not in threads:
                        yield str(thread).encode() + b"\0" + _raw(columns_of_row)
                if len(rows) < BATCH_ROWS:
                    break

    async def araw_values_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield the stored values of one thread."""
        for table, columns in RAW_COLUMNS.items():
            async with self.lock:
                rows = await self.conn.execute_fetchall(
                    f"SELECT {', '.join(columns)} FROM {table} WHERE thread_id = ?", (thread,)
                )
            for row in rows:
                yield _raw(row)

    async def ascrub(self) -> bool:
        """Remove every byte of deleted rows; return whether the write-ahead log is empty."""
        async with self.lock:
            return await scrub_file(self.conn)

    async def atruncate_log(self) -> bool:
        """Truncate the write-ahead log; return whether that succeeded."""
        async with self.lock:
            return await truncate_log(self.conn)


def _raw(row: Sequence[object]) -> bytes:
    """Return the values of a row after its type; what is compressed as it was before."""
    type_, *values = row
    content = [_bytes(value) for value in values]
    if type_ == COMPRESSED:
        with suppress(ValueError):  # Damaged: it holds no words.
            content[0] = decompressed(content[0])
    return b"\0".join(content)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
