"""Connections to Redis or Valkey, tried at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from threadkeep.base.database_url import Database
from threadkeep.base.errors import StorageFailed

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

OLDEST = 7
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30


@asynccontextmanager
async def open_client(database: Database) -> AsyncIterator["Valkey"]:
    """Open a client of Redis 7, Valkey 7 or newer.

    Raises:
        StorageFailed: the server is too old.
        valkey.exceptions.ValkeyError: it cannot be reached, or refuses.
    """
    from valkey.asyncio import Valkey

    scheme, _, rest = database.url.partition("://")
    client: Valkey = Valkey.from_url(
        f"{scheme.replace('redis', 'valkey')}://{rest}",
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        health_check_interval=30,
    )
    try:
        about: dict[str, Any] = await client.info("server")
        version = str(about.get("valkey_version") or about.get("redis_version") or "0")
        if int(version.partition(".")[0]) < OLDEST:
            raise StorageFailed(
                f"The server of {database} has version {version}; "
                f"threadkeep needs Redis or Valkey {OLDEST} or newer."
            )
        yield client
    finally:
        await client.aclose()
