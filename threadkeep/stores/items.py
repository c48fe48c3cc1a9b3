"""Open the items and their full-text index, on the database of the settings."""

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
    """Open LangGraph's store, and the index tables beside it.

    Raises:
        StorageFailed: the database is broken, foreign, newer, not to be reached or written.
    """
    if database.kind == "postgres":
        with storage_errors(database):
            # Imported here: the driver is an extra.
            from threadkeep.stores.postgres_index import PostgresIndex
            from threadkeep.stores.postgres_items import open_postgres_items

            async with open_postgres_items(database) as postgres:
                yield postgres, PostgresIndex(postgres)
    else:
        async with open_database(database.path) as sqlite:
            yield sqlite, SqliteIndex(sqlite)


async def space_of(items: BaseStore) -> str:
    """Return an id that separates this store's vectors from others on the same server."""
    secret = await items.aget(*SECRET)
    return sha256(str(secret.value if secret else "").encode()).hexdigest()[:12]
