"""A first start that is cut off at any statement is completed by the next one."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import psycopg
import pytest
from psycopg import AsyncConnection, AsyncCursor

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.opened import open_all
from threadkeep.stores.namespaces import user_key

MAX_STATEMENTS = 200


@contextmanager
def cut_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let the statement of this number fail, as a killed process or a lost connection does."""
    counts = [0]

    def counting(execute: Callable[..., Any]) -> Callable[..., Any]:
        async def run(self: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(args[0], "__name__", "") == "close":
                return await execute(self, *args, **kwargs)
            counts[0] += 1
            if counts[0] != number:
                return await execute(self, *args, **kwargs)
            if isinstance(self, AsyncCursor):
                await self.connection.close()
                raise psycopg.OperationalError("the connection is lost")
            raise aiosqlite.OperationalError("the process is killed")

        return run

    with monkeypatch.context() as patch:
        for owner, name in ((AsyncCursor, "execute"), (aiosqlite.Connection, "_execute")):
            patch.setattr(owner, name, counting(getattr(owner, name)))
        yield counts


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
async def test_a_first_start_that_is_cut_off_is_completed_by_the_next(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, MAX_STATEMENTS):
        async with fresh_database(kind) as url:
            home = tmp_path / str(number)
            settings = Settings(home=home, model="offline", checkpoints=parse_database(url))
            with cut_at(number, monkeypatch) as counts:
                failed = await _starts(settings)
            if counts[0] < number:
                assert number > 10
                return
            assert await _starts(settings), f"{failed=} at statement {number}"
    pytest.fail("a start takes too many statements")


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
async def test_two_first_starts_at_once_make_one_store(kind: str, tmp_path: Path) -> None:
    async with fresh_database(kind) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))

        async def start() -> str:
            async with open_all(settings) as opened:
                return await user_key(opened.store, "ada")

        keys = await asyncio.gather(*[start() for _ in range(4)])
        assert len(set(keys)) == 1


async def test_an_index_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    async with fresh_database("postgres") as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        assert await _starts(settings)
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            await conn.execute("DELETE FROM checkpoint_migrations WHERE v > 5")
            await conn.execute(
                "UPDATE pg_index SET indisvalid = false "
                "WHERE indexrelid = 'checkpoints_thread_id_idx'::regclass"
            )
            assert await _starts(settings)
            cursor = await conn.execute(
                "SELECT indisvalid FROM pg_index "
                "WHERE indexrelid = 'checkpoints_thread_id_idx'::regclass"
            )
            assert await cursor.fetchone() == (True,)


async def _starts(settings: Settings) -> bool:
    try:
        async with open_all(settings) as opened:
            await user_key(opened.store, "ada")
            await opened.inner_saver.aget_tuple({"configurable": {"thread_id": "x"}})
    except StorageFailed:
        return False
    return True
