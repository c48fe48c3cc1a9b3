import asyncio
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import ThreadBusy, ThreadLost
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.locks import FileLocks, open_locks

ROOT = Path(__file__).parents[2]
HOLDER = """
import asyncio, sys
from pathlib import Path
from threadkeep.checkpoints.locks import open_locks
from threadkeep.base.database_url import parse_database
async def main():
    async with open_locks(parse_database(sys.argv[1]), Path(sys.argv[2])) as locks:
        async with locks.acquire("t", "trip"):
            print("acquired", flush=True)
            await asyncio.sleep(60)
asyncio.run(main())
"""
SHORT_TTL = """
from threadkeep.checkpoints.redis_locks import RedisLocks
RedisLocks.__init__.__defaults__ = (1.0,)
"""


@pytest.mark.parametrize("kind", BACKENDS)
async def test_turns_of_one_thread_wait_for_each_other_and_turns_of_other_threads_do_not(
    kind: str,
    home: Settings,
) -> None:
    order: list[str] = []

    async with (
        fresh_database(kind) as url,
        open_locks(parse_database(url), home.locks) as locks,
    ):

        async def turn(thread: str, name: str, seconds: float) -> None:
            async with locks.acquire(thread, thread):
                order.append(f"{name} in")
                await asyncio.sleep(seconds)
                order.append(f"{name} out")

        await asyncio.gather(turn("a", "1", 0.3), turn("a", "2", 0.3), turn("b", "3", 0.01))
    first = order[0][0] if order[0][0] != "3" else order[1][0]
    second = "2" if first == "1" else "1"
    assert [entry for entry in order if entry[0] != "3"] == [
        f"{first} in",
        f"{first} out",
        f"{second} in",
        f"{second} out",
    ]
    assert order.index("3 out") < order.index(f"{first} out")


@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_busy_thread_is_an_error_with_its_name(kind: str, home: Settings) -> None:
    async with fresh_database(kind) as url, open_locks(parse_database(url), home.locks) as locks:
        async with locks.acquire("t", "trip"):
            for wait in (0.0, 0.2):
                with pytest.raises(ThreadBusy, match="'trip' is busy"):
                    async with locks.acquire("t", "trip", wait=wait):
                        pass
        async with locks.acquire("t", "trip", wait=0.0):
            pass


async def test_a_lock_file_that_is_deleted_while_it_is_acquired_is_not_the_lock(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks, flock = FileLocks(home.locks), fcntl.flock
    deleted: list[Path] = []

    def delete_and_lock(fd: int, operation: int) -> None:
        if not deleted and operation & fcntl.LOCK_EX:
            deleted.extend(home.locks.glob("*.lock"))
            for path in deleted:
                path.unlink()
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", delete_and_lock)
    async with locks.acquire("t", "trip"):
        assert len(deleted) == 1
        with pytest.raises(ThreadBusy):
            async with locks.acquire("t", "trip", wait=0.1):
                pass


async def test_a_discarded_lock_leaves_no_file_and_can_be_acquired_again(home: Settings) -> None:
    locks = FileLocks(home.locks)
    async with locks.acquire("t", "trip"):
        await locks.discard("t")
    assert list(home.locks.iterdir()) == []
    async with locks.acquire("t", "trip", wait=0.0):
        pass


@pytest.mark.parametrize("kind", BACKENDS)
async def test_the_lock_of_another_process_is_waited_for_and_released_by_its_death(
    kind: str, home: Settings
) -> None:
    async with fresh_database(kind) as url, open_locks(parse_database(url), home.locks) as locks:
        code = SHORT_TTL + HOLDER if kind == "redis" else HOLDER
        other = subprocess.Popen(
            [sys.executable, "-c", code, url, str(home.locks)],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT)},
        )
        assert other.stdout is not None
        assert other.stdout.readline() == b"acquired\n"
        with pytest.raises(ThreadBusy):
            async with locks.acquire("t", "trip", wait=0.1):
                pass
        # Longer than the time to live of the Redis key: the holder renews it.
        await asyncio.sleep(1.5 if kind == "redis" else 0)
        with pytest.raises(ThreadBusy):
            async with locks.acquire("t", "trip", wait=0.1):
                pass
        other.kill()
        other.wait()
        other.stdout.close()
        async with locks.acquire("t", "trip", wait=5):
            pass


async def test_a_lock_whose_key_was_deleted_is_lost() -> None:
    async with fresh_database("redis") as url:
        from threadkeep.base.redis import open_client
        from threadkeep.checkpoints.redis_locks import RedisLocks

        async with (
            open_client(parse_database(url)) as client,
            RedisLocks(client, 0.3).acquire("t", "trip") as lock,
        ):
            lock.check()
            await client.flushdb()
            await asyncio.sleep(0.3)
            with pytest.raises(ThreadLost, match="'trip' was lost"):
                lock.check()


async def test_a_lock_whose_connection_was_closed_is_lost(home: Settings) -> None:
    async with fresh_database("postgres") as url:
        import psycopg

        async with (
            open_locks(parse_database(url), home.locks) as locks,
            locks.acquire("t", "trip") as lock,
        ):
            lock.check()
            pid = lock.conn.info.backend_pid  # type: ignore[attr-defined]
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
                await other.execute("SELECT pg_terminate_backend(%s)", (pid,))
                await asyncio.sleep(0.3)
            with pytest.raises(ThreadLost, match="'trip' was lost"):
                lock.check()


async def test_more_locks_than_connections_wait_and_leave_no_connection_open(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.checkpoints.postgres_locks.MAX_LOCKS", 3)
    active, max_active = set[str](), 0
    async with (
        fresh_database("postgres") as url,
        open_locks(parse_database(url), home.locks) as locks,
    ):

        async def turn(thread: str) -> None:
            nonlocal max_active
            async with locks.acquire(thread, thread):
                active.add(thread)
                max_active = max(max_active, len(active))
                await asyncio.sleep(0.02)
                active.remove(thread)

        await asyncio.gather(*(turn(f"t{number}") for number in range(30)))
        assert max_active == 3
        assert len(locks._open) <= 3  # type: ignore[attr-defined]
        async with (
            locks.acquire("a", "a"),
            locks.acquire("b", "b"),
            locks.acquire("c", "c"),
        ):
            with pytest.raises(ThreadBusy, match="'trip' is busy"):
                async with locks.acquire("d", "trip", wait=0.1):
                    pass
        async with locks.acquire("d", "trip", wait=0.0):
            pass
