import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, MessagesState, StateGraph
from valkey.exceptions import ValkeyError

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.memory_saver import MemorySaver
from threadkeep.checkpoints.savers import open_saver
from threadkeep.checkpoints.sqlite_saver import SqliteSaver
from threadkeep.stores.hybrid import open_store


@dataclass
class Foreign:
    value: int


def chat() -> StateGraph[MessagesState]:
    builder = StateGraph(MessagesState)
    builder.add_node("answer", lambda _: {"messages": [AIMessage("yes")]})
    builder.add_edge(START, "answer")
    builder.add_edge("answer", END)
    return builder


@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_thread_keeps_the_checkpoints_of_its_newest_turns_only(kind: str) -> None:
    async with fresh_database(kind) as url, open_saver(url) as saver:
        graph = chat().compile(checkpointer=saver)
        config: RunnableConfig = {"configurable": {"thread_id": "t"}}
        for number in range(30):
            await graph.ainvoke({"messages": [HumanMessage(str(number))]}, config)
            await saver.aprune_turns("t", 20)  # type: ignore[attr-defined]
        history = [state async for state in graph.aget_state_history(config)]
        turns = [state for state in history if (state.metadata or {})["source"] == "input"]
        assert len(turns) == 20
        assert len((await graph.aget_state(config)).values["messages"]) == 60
        for state in history:
            assert state.values["messages"] == [] or state.values["messages"][0].text == "0"
        assert await orphans(saver) == 0


async def orphans(saver: Any) -> int:
    """Return the number of writes and blobs without a checkpoint."""
    query = (
        "SELECT count(*) AS n FROM {0} "
        "WHERE checkpoint_id NOT IN (SELECT checkpoint_id FROM checkpoints)"
    )
    if isinstance(saver, SqliteSaver):
        return int(next(iter(await saver.conn.execute_fetchall(query.format("writes"))))[0])
    if isinstance(saver, MemorySaver):
        return len([key for key in saver.writes if key[2] not in saver.storage[key[0]][key[1]]])
    if hasattr(saver, "pool"):
        blobs = """SELECT count(*) AS n FROM checkpoint_blobs b WHERE NOT EXISTS (
            SELECT 1 FROM checkpoints c
            WHERE c.checkpoint -> 'channel_versions' ->> b.channel = b.version)"""
        async with saver.pool.connection() as conn:
            cursors = [
                await conn.execute(statement)
                for statement in (query.format("checkpoint_writes"), blobs)
            ]
            return sum([(await cursor.fetchone())["n"] for cursor in cursors])
    keys = {key.decode() async for key in saver.client.scan_iter(match="*:{t}*")}
    checkpoints = {key.partition(":")[2] for key in keys if key.startswith("checkpoint:")}
    writes = {key.partition(":")[2] for key in keys if key.startswith("writes:")}
    return len(writes - checkpoints)


@pytest.mark.parametrize("kind", BACKENDS)
async def test_messages_and_data_classes_of_the_program_are_restored(kind: str) -> None:
    async with fresh_database(kind) as url, open_saver(url) as saver:
        message = AIMessage("hi", id="1", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c"}])
        assert saver.serde.loads_typed(saver.serde.dumps_typed(message)) == message
        restored = saver.serde.loads_typed(saver.serde.dumps_typed({"values": [Foreign(1)]}))
        assert restored == {"values": [Foreign(1)]}


@pytest.mark.parametrize("kind", BACKENDS)
async def test_an_expired_thread_is_deleted_and_use_extends_its_lifetime(kind: str) -> None:
    async with fresh_database(kind) as url, open_saver(url, ttl_minutes=1.5 / 60) as saver:
        graph = chat().compile(checkpointer=saver)
        used: RunnableConfig = {"configurable": {"thread_id": "used"}}
        unused: RunnableConfig = {"configurable": {"thread_id": "unused"}}
        permanent: RunnableConfig = {"configurable": {"thread_id": "permanent"}}
        for config in (used, unused, permanent):
            await graph.ainvoke({"messages": [HumanMessage("hello")]}, config)
        await saver.aset_ttl("permanent", None)  # type: ignore[attr-defined]
        for _ in range(4):
            await asyncio.sleep(0.6)
            assert (await graph.aget_state(used)).values["messages"]
        assert (await graph.aget_state(permanent)).values["messages"]
        assert [state async for state in graph.aget_state_history(unused)] == []
        assert (await graph.aget_state(unused)).values == {}
        await graph.ainvoke({"messages": [HumanMessage("again")]}, unused)
        assert len((await graph.aget_state(unused)).values["messages"]) == 2
        await asyncio.sleep(1.7)
        assert await saver.asweep() == (0 if kind == "redis" else 2)  # type: ignore[attr-defined]
        assert (await graph.aget_state(permanent)).values["messages"]


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgresql://root@127.0.0.1:1/test", "postgresql://root@127.0.0.1:1/test"),
        ("redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
        ("sqlite:////proc/no/such.sqlite", "/proc/no/such.sqlite"),
    ],
)
async def test_an_unreachable_database_is_one_sentence(url: str, label: str) -> None:
    with pytest.raises(StorageFailed) as raised:
        async with open_saver(url):
            pass
    assert label in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_a_wrong_password_is_one_sentence_without_the_password() -> None:
    async with fresh_database("redis") as url:
        with pytest.raises(StorageFailed) as raised:
            async with open_saver(url.replace("redis://", "redis://:geheim@")):
                pass
        assert "geheim" not in str(raised.value)
        assert "password" in str(raised.value)


async def test_a_redis_that_is_too_old_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh_database("redis") as url:
        monkeypatch.setattr("threadkeep.base.redis.MIN_VERSION", 99)
        with pytest.raises(StorageFailed, match="needs Redis or Valkey 99"):
            async with open_saver(url):
                pass


async def test_a_postgres_that_is_too_old_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh_database("postgres") as url:
        monkeypatch.setattr("threadkeep.base.postgres.MIN_VERSION", 990_000)
        with pytest.raises(StorageFailed, match="needs 99 or newer"):
            async with open_saver(url):
                pass


async def test_a_failing_redis_is_an_error_and_not_an_empty_thread() -> None:
    async with fresh_database("redis") as url, open_saver(url) as saver:
        pool = saver.client.connection_pool  # type: ignore[attr-defined]
        await pool.disconnect()
        pool.reset()
        pool.connection_kwargs["port"] = 1
        with pytest.raises(ValkeyError):
            await saver.aget_tuple({"configurable": {"thread_id": "t"}})


async def test_a_file_that_is_not_a_database_is_one_sentence_and_is_not_changed(
    home: Settings,
) -> None:
    home.database.write_bytes(b"no database " * 1000)
    with pytest.raises(StorageFailed, match="cannot be used"):
        async with open_saver(home.checkpoint_database):
            pass
    assert home.database.read_bytes() == b"no database " * 1000


async def test_a_full_disk_is_one_sentence(home: Settings) -> None:
    with pytest.raises(StorageFailed, match="disk"):
        async with open_saver(home.checkpoint_database):
            raise sqlite3.OperationalError("database or disk is full")


async def test_a_saver_and_then_a_store_can_open_a_new_data_folder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new" / "home")
    async with (
        open_saver(settings.checkpoint_database),
        open_store(settings) as store,
    ):
        await store.aput(("ada", "notes"), "n", {"text": "stored"})
        assert await store.aget(("ada", "notes"), "n") is not None


@pytest.mark.parametrize("kind", BACKENDS)
async def test_whoever_goes_through_a_history_may_use_the_thread_meanwhile(kind: str) -> None:
    async with fresh_database(kind) as url, open_saver(url) as saver:
        graph = chat().compile(checkpointer=saver)
        config: RunnableConfig = {"configurable": {"thread_id": "t"}}
        for _ in range(3):
            await graph.ainvoke({"messages": [HumanMessage("yes?")]}, config)
        pending = [saver.alist(config) for _ in range(6)]
        for checkpoints in pending:
            await anext(checkpoints)
        async with asyncio.timeout(60):
            numbers = []
            async for state in graph.aget_state_history(config):
                numbers.append(len(state.values.get("messages") or ()))
                await graph.aupdate_state(state.config, {"messages": [HumanMessage("and?")]})
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) == 9
        for checkpoints in pending:
            await checkpoints.aclose()  # type: ignore[attr-defined]
