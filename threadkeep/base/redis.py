"""Connections to Redis or Valkey; opened at once, so that errors show early."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from threadkeep.base.database_url import Database
from threadkeep.base.errors import StorageFailed

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

MIN_VERSION = 7
CONNECT_SECONDS = 5
RESPONSE_SECONDS = 30


@asynccontextmanager
async def open_client(database: Database) -> AsyncIterator["Valkey"]:
    """Open a client of Redis 7, Valkey 7 or newer.

    Raises:
        StorageFailed: the server is too old.
        valkey.exceptions.ValkeyError: the server cannot be reached, or refuses the connection.
    """
    from valkey.asyncio import Valkey

    scheme, _, rest = database.url.partition("://")
    client: Valkey = Valkey.from_url(
        f"{scheme.replace('redis', 'valkey')}://{rest}",
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=RESPONSE_SECONDS,
        health_check_interval=30,
    )
    try:
        info: dict[str, Any] = await client.info("server")
        version = str(info.get("valkey_version") or info.get("redis_version") or "0")
        if int(version.partition(".")[0]) < MIN_VERSION:
            raise StorageFailed(
                f"The server of {database} has version {version}; "
                f"threadkeep needs Redis or Valkey {MIN_VERSION} or newer."
            )
        yield client
    finally:
        await client.aclose()
