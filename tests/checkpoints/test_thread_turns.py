import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import ThreadBusy, ThreadLost
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.locks import open_locks
from threadkeep.checkpoints.turn_journal import FileTurnJournal, StoreTurnJournal, TurnJournal
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.namespaces import open_turns_of

ROOT = Path(__file__).parents[2]
HOLD = """
import asyncio, sys
from pathlib import Path
from threadkeep.checkpoints.locks import open_locks
from threadkeep.base.database_url import parse_database
async def main():
    async with open_locks(parse_database(sys.argv[1]), Path(sys.argv[2])) as locks:
        async with locks.acquire("t", "trip"):
            print("held", flush=True)
            await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("kind", BACKENDS)
async def test_two_turns_of_a_thread_wait_for_each_other_and_other_threads_do_not(
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
    assert [each for each in order if each[0] != "3"] == [
        f"{first} in",
        f"{first} out",
        f"{second} in",
        f"{second} out",
    ]
    assert order.index("3 out") < order.index(f"{first} out")


@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_thread_that_stays_busy_is_a_sentence_with_its_name(
    kind: str, home: Settings
) -> None:
    async with fresh_database(kind) as url, open_locks(parse_database(url), home.locks) as locks:
        async with locks.acquire("t", "trip"):
            for wait in (0.0, 0.2):
                with pytest.raises(ThreadBusy, match="'trip' is busy"):
                    async with locks.acquire("t", "trip", wait=wait):
                        pass
        async with locks.acquire("t", "trip", wait=0.0):
            pass


@pytest.mark.parametrize("kind", BACKENDS)
async def test_another_process_is_waited_for_and_its_death_frees_the_thread(
    kind: str, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fresh_database(kind) as url, open_locks(parse_database(url), home.locks) as locks:
        short = HOLD.replace("import asyncio, sys", SHORT) if kind == "redis" else HOLD
        other = subprocess.Popen(
            [sys.executable, "-c", short, url, str(home.locks)],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT)},
        )
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ThreadBusy):
            async with locks.acquire("t", "trip", wait=0.1):
                pass
        # Longer than a key of Redis lives: it is renewed.
        await asyncio.sleep(1.5 if kind == "redis" else 0)
        with pytest.raises(ThreadBusy):
            async with locks.acquire("t", "trip", wait=0.1):
                pass
        other.kill()
        other.wait()
        other.stdout.close()
        async with locks.acquire("t", "trip", wait=5):
            pass


SHORT = """import asyncio, sys
from threadkeep.checkpoints.redis_locks import RedisLocks
RedisLocks.__init__.__defaults__ = (1.0,)"""


async def test_a_turn_whose_lock_was_lost_is_told_so() -> None:
    async with fresh_database("redis") as url:
        from threadkeep.base.redis import open_client
        from threadkeep.checkpoints.redis_locks import RedisLocks

        async with (
            open_client(parse_database(url)) as client,
            RedisLocks(client, 0.3).acquire("t", "trip") as hold,
        ):
            hold.check()
            await client.flushdb()
            await asyncio.sleep(0.3)
            with pytest.raises(ThreadLost, match="'trip' was lost"):
                hold.check()


async def test_a_turn_whose_connection_was_cut_is_told_so(home: Settings) -> None:
    async with fresh_database("postgres") as url:
        import psycopg

        async with (
            open_locks(parse_database(url), home.locks) as locks,
            locks.acquire("t", "trip") as hold,
        ):
            hold.check()
            pid = hold.conn.info.backend_pid  # type: ignore[attr-defined]
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
                await other.execute("SELECT pg_terminate_backend(%s)", (pid,))
                await asyncio.sleep(0.3)
            with pytest.raises(ThreadLost, match="'trip' was lost"):
                hold.check()


@pytest.mark.parametrize("kind", ["files", "store"])
async def test_a_turn_that_was_cut_off_leaves_a_note_for_its_user_alone(
    kind: str, home: Settings
) -> None:
    async with open_store(home) as store:
        journal: TurnJournal = (
            FileTurnJournal(home.locks)
            if kind == "files"
            else StoreTurnJournal(store, open_turns_of)
        )
        assert not await journal.begin("ada", "t", "trip")
        assert await journal.unfinished("ada") == ["trip"]
        assert await journal.unfinished("bob") == []
        assert await journal.begin("ada", "t", "trip")
        await journal.finish("ada", "t")
        assert await journal.unfinished("ada") == []


async def test_a_note_that_is_damaged_names_nobody(home: Settings) -> None:
    (home.locks / "x.open").write_text('{"user": "ad')
    assert await FileTurnJournal(home.locks).unfinished("ada") == []


async def test_more_turns_than_connections_wait_for_a_place_and_leave_none_open(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.checkpoints.postgres_locks.AT_ONCE", 3)
    under_way, most = set[str](), 0
    async with (
        fresh_database("postgres") as url,
        open_locks(parse_database(url), home.locks) as locks,
    ):

        async def turn(thread: str) -> None:
            nonlocal most
            async with locks.acquire(thread, thread):
                under_way.add(thread)
                most = max(most, len(under_way))
                await asyncio.sleep(0.02)
                under_way.remove(thread)

        await asyncio.gather(*(turn(f"t{number}") for number in range(30)))
        assert most == 3
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
