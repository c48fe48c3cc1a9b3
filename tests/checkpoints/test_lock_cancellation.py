"""A lock is released whatever is cancelled, and however often."""

import asyncio

import pytest

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.cancellation import uninterrupted
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.locks import ThreadLocks, open_locks
from threadkeep.checkpoints.postgres_locks import PostgresLocks

MOMENTS = [*range(12), 20, 50, 100]
"""Iterations of the event loop before a turn is cancelled: while it acquires, holds, releases."""


async def cancel_at_every_await(task: "asyncio.Task[None]") -> None:
    """Cancel a task again and again until it ends, as a cancelled scope of anyio does."""
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)


async def turn(locks: ThreadLocks) -> None:
    async with locks.acquire("t", "trip", wait=5):
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_turn_that_is_cancelled_at_any_moment_releases_its_lock(
    kind: str, home: Settings
) -> None:
    async with fresh_database(kind) as url, open_locks(parse_database(url), home.locks) as locks:
        for moment in MOMENTS:
            task = asyncio.create_task(turn(locks))
            for _ in range(moment):
                await asyncio.sleep(0.0005)
            await cancel_at_every_await(task)
            async with asyncio.timeout(4), locks.acquire("t", "trip", wait=3):
                pass
        if isinstance(locks, PostgresLocks):
            assert len(locks._open) <= 3  # Two idle ones, and nothing lost.


@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_cancelled_wait_for_a_lock_takes_nothing(kind: str, home: Settings) -> None:
    async with fresh_database(kind) as url, open_locks(parse_database(url), home.locks) as locks:
        async with locks.acquire("t", "trip"):
            waiting = asyncio.create_task(turn(locks))
            await asyncio.sleep(0.1)
            await cancel_at_every_await(waiting)
        async with asyncio.timeout(4), locks.acquire("t", "trip", wait=3):
            pass


async def test_what_is_uninterrupted_ends_before_the_cancellation_is_raised() -> None:
    steps: list[int] = []

    async def work() -> None:
        for step in range(5):
            await asyncio.sleep(0)
            steps.append(step)

    task = asyncio.create_task(uninterrupted(work()))
    await asyncio.sleep(0)
    await cancel_at_every_await(task)
    assert task.cancelled()
    assert steps == [0, 1, 2, 3, 4]
