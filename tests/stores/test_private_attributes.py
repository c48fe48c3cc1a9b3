"""The private attributes of LangGraph that the stores use; pyproject.toml limits its versions."""

import asyncio
import inspect
from pathlib import Path

import pytest
from langgraph.store.base.batch import AsyncBatchedBaseStore
from langgraph.store.postgres.aio import AsyncPostgresStore
from langgraph.store.sqlite.aio import AsyncSqliteStore

from threadkeep.base.database_url import sqlite_database
from threadkeep.base.errors import Erased
from threadkeep.stores.items import open_items
from threadkeep.stores.tombstones import tombstone_of


@pytest.mark.parametrize("store", [AsyncSqliteStore, AsyncPostgresStore])
def test_langgraph_writes_each_batch_with_the_method_that_checks_tombstones(
    store: type[AsyncBatchedBaseStore],
) -> None:
    put = store.__dict__["_batch_put_ops"]
    assert inspect.iscoroutinefunction(put)
    assert list(inspect.signature(put).parameters) == ["self", "put_ops", "cur"]


async def test_a_put_that_a_tombstone_forbids_is_refused(tmp_path: Path) -> None:
    async with open_items(sqlite_database(tmp_path / "a.sqlite")) as (items, _):
        await items.put_tombstones("ada", [tombstone_of("ada")], {"at": "", "open": True})
        with pytest.raises(Erased):
            await items.aput(("ada", "x"), "k", {"text": "late"})


async def test_a_closed_store_leaves_no_task_behind(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with open_items(sqlite_database(tmp_path / "a.sqlite")) as (items, _):
        assert isinstance(items._task, asyncio.Task)
    assert asyncio.all_tasks() == before
