"""Connections to PostgreSQL."""

import asyncio

from psycopg import AsyncConnection

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.postgres import CHECK_AFTER_SECONDS, open_pool


async def test_the_pool_reconnects_after_the_server_closed_its_connections() -> None:
    async with fresh_database("postgres") as url, open_pool(parse_database(url)) as pool:
        async with pool.connection() as conn:
            pid = conn.info.backend_pid
        async with await AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        await asyncio.sleep(CHECK_AFTER_SECONDS)
        async with pool.connection() as conn:
            assert conn.info.backend_pid != pid
            await conn.execute("SELECT 1")
