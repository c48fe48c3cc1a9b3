"""Short-term memory on the database that an address names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from threadkeep.base.database_url import Database, parse_database
from threadkeep.base.storage_errors import storage_errors
from threadkeep.checkpoints.owned import Follow, OwnedSaver

MAX_TURNS = 20
"""How far back time travel reaches."""


@asynccontextmanager
async def open_checkpointer(
    database: str | Database, *, ttl_minutes: float | None = None, follow: Follow | None = None
) -> AsyncIterator[OwnedSaver]:
    """Open the saver on a database: complete, strict about types, each thread for its owner alone.

    A thread is deleted `ttl_minutes` after its last use; None keeps it. `follow` is told of every
    update from outside a run: `knowledge.branch_sync.follow_updates(store)` lets memory go with it.

    Raises:
        StorageFailed: the database cannot be reached, read or written.
    """
    async with open_saver(database, ttl_minutes=ttl_minutes) as saver:
        yield OwnedSaver(saver, follow)


@asynccontextmanager
async def open_saver(
    database: str | Database, *, ttl_minutes: float | None = None
) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Open the saver without its guard; whoever knows a thread's id can read it.

    Raises:
        StorageFailed: the database cannot be reached, read or written.
    """
    if isinstance(database, str):
        database = parse_database(database)
    with storage_errors(database):
        async with _opened(database, ttl_minutes) as saver:
            await saver.asweep()
            yield saver


@asynccontextmanager
async def _opened(database: Database, ttl_minutes: float | None) -> AsyncIterator[Any]:
    # Drivers are imported where they are wanted: most people need one, and not all are installed.
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
