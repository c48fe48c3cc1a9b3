"""Checkpoints that are gone or cannot be read: stored words stay, other threads go on."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from valkey.asyncio import Valkey

from tests.backends import fresh_database
from tests.erase.helpers import say
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.cli.doctor import run_checks
from threadkeep.erase.plan import Target
from threadkeep.memory import Memory, open_memory

SISTERS = [f"My sister {name} keeps bees." for name in ("Alba", "Bea", "Cleo")]
GARBAGE = {
    "short": b"\x00\xff\x00\xff",
    "empty": b"",
    "another type": b"\x93\x01\x02\x03",
    "text": b"not msgpack at all",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, model="offline")


async def fill(settings: Settings) -> None:
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", *SISTERS)
        await say(memory, "bob", "t", "I live in Oslo.")


def change(settings: Settings, statement: str, *values: Any) -> None:
    with sqlite3.connect(settings.checkpoint_database.path) as conn:
        assert conn.execute(statement, values).rowcount
    conn.close()


async def user_texts(memory: Memory, thread: str = "t") -> list[str]:
    rows = await memory.messages(thread, user_id="ada")
    return [row["text"] for row in rows if row["role"] == "user"]


async def _drop_checkpoints(kind: str, url: str) -> None:
    """Delete all checkpoints behind the program's back."""
    if kind == "sqlite":
        with sqlite3.connect(url.removeprefix("sqlite:///")) as conn:
            conn.execute("DELETE FROM checkpoints")
            conn.execute("DELETE FROM writes")
        conn.close()
    elif kind == "postgres":
        async with await AsyncConnection.connect(url, autocommit=True) as postgres:
            await postgres.execute("TRUNCATE checkpoints, checkpoint_blobs, checkpoint_writes")
    else:
        client = Valkey.from_url(url.replace("redis://", "valkey://"))
        await client.flushdb()
        await client.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])
async def test_stored_words_stay_when_the_checkpoints_are_gone(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with fresh_database(kind) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        async with open_memory(settings) as memory:
            await say(memory, "ada", "t", *SISTERS)
            await _drop_checkpoints(kind, url)
        async with open_memory(settings) as memory:
            await say(memory, "ada", "t", "My boat is called Zed.")
            await say(memory, "ada", "t", "My bike is called Yan.")
            expected = [*SISTERS, "My boat is called Zed.", "My bike is called Yan."]
            assert await user_texts(memory) == expected
            assert "bees" in await say(memory, "ada", "u", "What does my sister Bea keep?")
            assert len([r for r in caplog.records if "states of the thread" in r.message]) == 1
            assert await memory.undo("t", user_id="ada") == ["My bike is called Yan."]
            assert await user_texts(memory) == expected[:-1]


async def test_a_restored_older_state_is_no_branch(settings: Settings) -> None:
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", SISTERS[0])
    with sqlite3.connect(settings.database) as conn:
        conn.execute("CREATE TABLE backup_checkpoints AS SELECT * FROM checkpoints")
    conn.close()
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", *SISTERS[1:])
    with sqlite3.connect(settings.database) as conn:
        conn.execute("DELETE FROM checkpoints")
        conn.execute("INSERT INTO checkpoints SELECT * FROM backup_checkpoints")
        conn.execute("DROP TABLE backup_checkpoints")
    conn.close()
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", "My boat is called Zed.")
        assert await user_texts(memory) == [*SISTERS, "My boat is called Zed."]


async def test_a_fork_by_a_run_is_still_a_branch(settings: Settings) -> None:
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", SISTERS[0])
        thread = await memory.thread("t", user_id="ada")
        first = (await memory.graph.aget_state(thread.config())).config["configurable"]
        await say(memory, "ada", "t", SISTERS[1])
        context = await memory.context("t", user_id="ada")
        values: Any = {"messages": [("user", "My boat is called Zed.")]}
        run = await memory.start_run(
            context, "t", values, checkpoint_id=str(first["checkpoint_id"])
        )
        async for _ in run:
            pass
        assert await user_texts(memory) == [SISTERS[0], "My boat is called Zed."]


@pytest.mark.parametrize("column", ["checkpoint", "metadata", "type"])
@pytest.mark.parametrize("kind", GARBAGE)
async def test_the_last_state_that_can_be_read_is_used(
    settings: Settings, kind: str, column: str
) -> None:
    await fill(settings)
    change(
        settings,
        f"UPDATE checkpoints SET {column} = ? WHERE checkpoint_id = "
        "(SELECT max(checkpoint_id) FROM checkpoints WHERE json_extract(CAST(metadata AS TEXT), "
        "'$.user_id') = 'ada')",
        GARBAGE[kind],
    )
    results = {result["check"]: result async for result in run_checks(settings)}
    assert not results["checkpoints"]["ok"]
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", "My boat is called Zed.")
        assert await user_texts(memory) == [*SISTERS, "My boat is called Zed."]
        await memory.forget(Target(kind="thread", name="t"), user_id="ada")


async def test_no_readable_state_is_one_sentence_and_other_threads_go_on(
    settings: Settings,
) -> None:
    await fill(settings)
    change(
        settings,
        "UPDATE checkpoints SET checkpoint = x'00ff00ff' "
        "WHERE thread_id NOT LIKE 'owner-of-%' AND CAST(metadata AS TEXT) LIKE '%\"ada\"%'",
    )
    async with open_memory(settings) as memory:
        with pytest.raises(StorageFailed, match="state of this thread cannot be read"):
            await say(memory, "ada", "t", "Hello.")
        assert await user_texts(memory) == SISTERS
        assert "bees" in await say(memory, "ada", "u", "What does my sister Bea keep?")
        assert "Oslo" in await say(memory, "bob", "t", "Where do I live?")
        receipt = await memory.forget(Target(kind="user"), user_id="ada")
        assert receipt.found == []


async def test_writes_that_cannot_be_read_are_made_again(settings: Settings) -> None:
    await fill(settings)
    change(settings, "UPDATE writes SET value = x'c1c1' WHERE thread_id NOT LIKE 'owner-of-%'")
    async with open_memory(settings) as memory:
        await say(memory, "ada", "t", "My boat is called Zed.")
        assert await user_texts(memory) == [*SISTERS, "My boat is called Zed."]


async def test_damaged_blobs_on_postgres_are_one_sentence(tmp_path: Path) -> None:
    async with fresh_database("postgres") as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        await fill(settings)
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            await conn.execute("UPDATE checkpoint_blobs SET blob = 'xxxx', type = 'other'")
        async with open_memory(settings) as memory:
            with pytest.raises(StorageFailed, match="state of this thread cannot be read"):
                await say(memory, "ada", "t", "Hello.")
            assert await user_texts(memory) == SISTERS
            assert "bees" in await say(memory, "ada", "u", "What does my sister Bea keep?")
