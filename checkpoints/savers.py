"""Open the saver of a database URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from threadkeep.base.database_url import Database, parse_database
from threadkeep.base.storage_errors import storage_errors
from threadkeep.checkpoints.blobs import Blobs
from threadkeep.checkpoints.owned import Follow, OwnedSaver

MAX_TURNS = 20
"""Turns of a thread whose checkpoints are kept, for forks and undo."""


@asynccontextmanager
async def open_checkpointer(
    database: str | Database,
    *,
    ttl_minutes: float | None = None,
    follow: Follow | None = None,
    blobs: Blobs | None = None,
) -> AsyncIterator[OwnedSaver]:
    """Open the saver of a database; each thread is accessible to its owner only.

    A thread expires `ttl_minutes` after its last use; with None it never does. `follow` is called
    after every update outside a run: `knowledge.branch_sync.follow_updates(store)` updates memory.
    `blobs` keeps pictures and files out of the checkpoints: `stores.blobs.StoreBlobs(store)` does.

    Raises:
        StorageFailed: the database cannot be reached, read or written.
    """
    async with open_saver(database, ttl_minutes=ttl_minutes) as saver:
        yield OwnedSaver(saver, follow, blobs)


@asynccontextmanager
async def open_saver(
    database: str | Database, *, ttl_minutes: float | None = None
) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Open the saver without the owner guard: every thread id gives access.

    Raises:
        StorageFailed: the database cannot be reached, read or written.
    """
    if isinstance(database, str):
        database = parse_database(database)
    with storage_errors(database):
        async with _open(database, ttl_minutes) as saver:
            await saver.asweep()
            yield saver


@asynccontextmanager
async def _open(database: Database, ttl_minutes: float | None) -> AsyncIterator[Any]:
    # Import only the driver in use: the others may not be installed.
    if database.kind == "memory":
        from threadkeep.checkpoints.memory_saver import MemorySaver

        yield MemorySaver(ttl_minutes)
    elif database.kind == "postgres":
        from threadkeep.checkpoints.postgres_saver import open_postgres

        async with open_postgres(database, ttl_minutes) as postgres:
            yield postgres
    elif database.kind == "redis":
        from threadkeep.checkpoints.redis_saver import open_redis

        async with open_redis(database, ttl_minutes) as redis:
            yield redis
    else:
        from threadkeep.checkpoints.sqlite_saver import open_sqlite

        async with open_sqlite(database.path, ttl_minutes) as sqlite:
            yield sqlite
