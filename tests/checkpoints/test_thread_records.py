"""Threads are listed, titled, changed, deleted and expired, on every backend."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.thread_records import list_records, newest_messages
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import messages_of, thread_id, threads_of, user_key
from threadkeep.stores.sqlite_items import SqliteItems

ADA = Context(user_id="ada")


@pytest_asyncio.fixture(params=BACKENDS)
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        create_data_folder(settings)
        async with open_memory(settings) as opened:
            yield opened


async def say(memory: Memory, thread: str, text: str, user: str = "ada") -> None:
    turn = await memory.say(text, thread=thread, user_id=user)
    await turn.finished()


async def test_state_and_metadata_are_set_and_read_by_key(memory: Memory) -> None:
    await say(memory, "trip", "I live in Bergen.")
    await memory.change_thread(
        "trip", title="Norway", state={"step": 1, "old": True}, user_id="ada"
    )
    await memory.change_thread(
        "trip", state={"step": 2, "old": None}, metadata={"tag": "x"}, user_id="ada"
    )
    await say(memory, "trip", "I work at Initech.")
    owner = await user_key(memory.opened.store, "ada")
    (record,) = await list_records(memory.opened.store, threads_of(owner), 10)
    assert record.value["title"] == "Norway"
    assert record.value["state"] == {"step": 2}
    assert record.value["metadata"] == {"tag": "x"}
    assert record.value["turns"] == 2
    assert record.value["created"] <= record.value["last_used"]


@pytest.mark.parametrize("state", [{"x": "y" * 40_000}, {"x": float("nan")}, {"x": {1, 2}}])
async def test_a_state_that_is_not_json_or_too_large_is_refused(memory: Memory, state: Any) -> None:
    await say(memory, "trip", "I live in Bergen.")
    with pytest.raises(BadInput):
        await memory.change_thread("trip", state=state, user_id="ada")
    with pytest.raises(BadInput, match="no thread"):
        await memory.change_thread("another", title="x", user_id="ada")


async def test_the_newest_messages_are_returned_in_their_order(memory: Memory) -> None:
    for number in range(4):
        await say(memory, "trip", f"Number {number} is mine.")
    owner = await user_key(memory.opened.store, "ada")
    messages = await newest_messages(
        memory.opened.store, messages_of(owner, thread_id(owner, "trip")), 3
    )
    assert [item.value["position"] for item in messages] == [5, 6, 7]
    assert messages[1].value["text"] == "Number 3 is mine."


async def test_a_deleted_thread_loses_its_messages_and_its_name_can_be_used_again(
    memory: Memory,
) -> None:
    await say(memory, "trip", "The vault opens with tulip.")
    await memory.delete_thread("trip", user_id="ada")
    owner = await user_key(memory.opened.store, "ada")
    assert await list_records(memory.opened.store, threads_of(owner), 10) == []
    assert await memory.opened.store.asearch((owner, "messages"), query="vault tulip") == []
    config = (await memory.thread("trip", user_id="ada")).config()
    assert (await memory.graph.aget_state(config)).values == {}
    await say(memory, "trip", "A new beginning.")
    assert len((await memory.graph.aget_state(config)).values["messages"]) == 2


async def test_an_expired_thread_is_erased_and_use_extends_its_lifetime(memory: Memory) -> None:
    for thread in ("used", "unused", "permanent"):
        await say(memory, thread, "The vault opens with tulip.")
    for thread in ("used", "unused"):
        await memory.change_thread(thread, ttl_minutes=4 / 60, user_id="ada")
    for _ in range(3):
        await asyncio.sleep(1.6)
        await say(memory, "used", "And another thing.")
    owner = await user_key(memory.opened.store, "ada")
    records = await list_records(memory.opened.store, threads_of(owner), 10)
    assert {record.value["name"] for record in records} == {"used", "permanent"}
    items = await memory.opened.store.asearch((owner, "messages"), query="vault tulip", limit=50)
    threads = {item.value["thread"] for item in items}
    assert threads == {thread_id(owner, "used"), thread_id(owner, "permanent")}
    assert (
        await memory.graph.aget_state((await memory.thread("unused", user_id="ada")).config())
    ).values == {}
    used = (
        await memory.graph.aget_state((await memory.thread("used", user_id="ada")).config())
    ).values
    assert len(used["messages"]) == 8


async def test_listing_threads_costs_the_same_for_ten_or_thousands_of_other_users(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, model="offline")
    async with open_memory(settings) as memory:
        items = memory.opened.store.items
        assert isinstance(items, SqliteItems)
        owner = await user_key(memory.opened.store, "ada")

        async def steps() -> int:
            counted = 0

            def count() -> int:
                nonlocal counted
                counted += 1
                return 0

            await items.conn.set_progress_handler(count, 10)
            assert len(await list_records(memory.opened.store, threads_of(owner), 10)) == 3
            await items.conn.set_progress_handler(None, 0)  # type: ignore[arg-type]
            return counted

        async def fill(users: int) -> None:
            for number in range(users):
                await items.aput((f"{number:032x}", "threads"), "t", {"last_used": "2025"})

        for thread in "abc":
            await items.aput((owner, "threads"), thread, {"last_used": f"2026-{thread}"})
        await fill(10)
        few = await steps()
        await fill(1_500)
        assert await steps() <= 1.2 * few + 5
