"""The items and the index beside them, on the database that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Union

from langgraph.store.base import BaseStore

from threadkeep.base.database_url import Database
from threadkeep.base.storage_errors import storage_errors
from threadkeep.stores.namespaces import SECRET
from threadkeep.stores.sqlite_database import open_database
from threadkeep.stores.sqlite_index import SqliteIndex
from threadkeep.stores.sqlite_items import SqliteItems

if TYPE_CHECKING:
    from threadkeep.stores.postgres_index import PostgresIndex
    from threadkeep.stores.postgres_items import PostgresItems

Items = Union[SqliteItems, "PostgresItems"]
Index = Union[SqliteIndex, "PostgresIndex"]


@asynccontextmanager
async def open_items(database: Database) -> AsyncIterator[tuple[Items, Index]]:
    """Open LangGraph's own store, and the words and marks that stand beside it.

    Raises:
        StorageFailed: the database is broken, foreign, newer, not to be reached or written.
    """
    if database.kind == "postgres":
        with storage_errors(database):
            # Imported where it is wanted: the driver is an extra.
            from threadkeep.stores.postgres_index import PostgresIndex
            from threadkeep.stores.postgres_items import open_postgres_items

            async with open_postgres_items(database) as postgres:
                yield postgres, PostgresIndex(postgres.pool)
    else:
        async with open_database(database.path) as sqlite:
            yield sqlite, SqliteIndex(sqlite.reader)


async def space_of(items: BaseStore) -> str:
    """Return what tells this store's vectors from another's on the same server."""
    secret = await items.aget(*SECRET)
    return sha256(str(secret.value if secret else "").encode()).hexdigest()[:12]
