"""SQLite files: new ones with the mark that they are threadkeep's, and transactions."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from threadkeep.base.errors import StorageFailed
from threadkeep.base.private_files import OTHERS, create_private_file, remove_rights

if TYPE_CHECKING:
    from aiosqlite import Connection

BUSY_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.05
APPLICATION_ID = 0x746B6570
"""The mark in the header of the file: "tkep"."""


def create_sqlite_file(path: Path) -> None:
    """Create the file and its folder unless they exist; mark an empty file as threadkeep's.

    Raises:
        StorageFailed: the file is read-only.
        sqlite3.Error: the file cannot be opened.
    """
    prepare_sqlite_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        (tables,) = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables:
            conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def prepare_sqlite_file(path: Path) -> None:
    """Create the file and its folder, readable by their owner only; SQLite copies the mode.

    Raises:
        StorageFailed: the file is read-only.
    """
    with suppress(OSError):  # SQLite reports a missing folder.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private_file(path)
        for suffix in ("-wal", "-shm"):
            remove_rights(path.with_name(f"{path.name}{suffix}"), OTHERS)
    if path.is_file() and not os.access(path, os.R_OK | os.W_OK):
        raise StorageFailed(
            f"The database {str(path)!r} cannot be written; "
            "check its rights, or set THREADKEEP_HOME to another folder."
        )


@asynccontextmanager
async def transaction(conn: "Connection") -> AsyncIterator[None]:
    """Run statements in one transaction, on a connection in autocommit mode."""
    await execute_when_free(conn, "BEGIN IMMEDIATE")
    try:
        yield
        await conn.execute("COMMIT")
    except BaseException:
        await conn.execute("ROLLBACK")
        raise


async def execute_when_free(conn: "Connection", statement: str) -> None:
    """Execute what SQLite refuses at once, instead of waiting, while another process writes."""
    await retry_while_busy(lambda: conn.execute(statement))


async def retry_while_busy(operation: Callable[[], Awaitable[object]]) -> None:
    """Repeat an operation until no other process is in its way.

    Raises:
        sqlite3.OperationalError: another process is, for `BUSY_TIMEOUT_SECONDS`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            await operation()
            return
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or loop.time() > deadline:
                raise
            await asyncio.sleep(POLL_SECONDS)


async def check_integrity(conn: "Connection") -> None:
    """Read the whole file.

    Raises:
        sqlite3.DatabaseError: a page, an index or the free list is damaged.
    """
    for (result,) in await conn.execute_fetchall("PRAGMA integrity_check(1)"):
        if result != "ok":
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorname = "SQLITE_CORRUPT"
            raise error
