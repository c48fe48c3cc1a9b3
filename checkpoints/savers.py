"""Short-term memory on the database that an address names."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from checkpoints.owners import OwnedSaver
from graph.database_url import Database, Kind, parse_database
from graph.errors import StorageFailed

TURNS_KEPT = 20
"""How far back time travel reaches."""
DRIVERS = ("sqlite3", "psycopg", "psycopg_pool", "valkey")
REMEDIES: dict[Kind, str] = {
    "sqlite": "check its disk and its rights, or set THREADKEEP_HOME to another folder",
    "postgres": "check that the server runs, the user and the password",
    "redis": "check that the server runs, the user and the password",
    "memory": "start again",
}


@asynccontextmanager
async def open_checkpointer(
    database: str | Database, *, ttl_minutes: float | None = None
) -> AsyncIterator[OwnedSaver]:
    """Open the saver on a database: complete, strict about types, each thread for its owner alone.

    A thread is deleted `ttl_minutes` after its last use; None keeps it.

    Raises:
        StorageFailed: the database cannot be reached, read or written.
    """
    async with open_saver(database, ttl_minutes=ttl_minutes) as saver:
        yield OwnedSaver(saver)


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
            yield saver


@asynccontextmanager
async def _opened(
    database: Database, ttl_minutes: float | None
) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    # Drivers are imported where they are wanted: most people need one, and not all are installed.
    if database.kind == "memory":
        from checkpoints.memory_saver import MemorySaver

        yield MemorySaver(ttl_minutes)
    elif database.kind == "postgres":
        from checkpoints.postgres_saver import open_postgres

        async with open_postgres(database, ttl_minutes) as postgres:
            yield postgres
    elif database.kind == "redis":
        from checkpoints.redis_saver import open_redis

        async with open_redis(database, ttl_minutes) as redis:
            yield redis
    else:
        from checkpoints.sqlite_saver import open_sqlite

        async with open_sqlite(database.path, ttl_minutes) as sqlite:
            yield sqlite


@contextmanager
def storage_errors(database: Database) -> Iterator[None]:
    """Turn what a driver complains about into one sentence.

    Raises:
        StorageFailed: the driver raised, or it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if database.kind not in ("postgres", "redis"):
            raise
        raise StorageFailed(
            f"For {database} the package {error.name!r} is missing; "
            f"install threadkeep with its extra [{database.kind}]."
        ) from error
    except Exception as error:
        if not any(each.__module__.partition(".")[0] in DRIVERS for each in type(error).__mro__):
            raise
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise StorageFailed(
            f"The database {str(database)!r} cannot be used ({said}); {REMEDIES[database.kind]}."
        ) from error
