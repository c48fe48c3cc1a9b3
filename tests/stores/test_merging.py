"""Operations that wait are merged: few calls of the database; results and errors stay apart."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.base import GetOp, Item, Op, PutOp, Result, SearchOp
from langgraph.store.memory import InMemoryStore

from threadkeep.base.errors import Erased
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.merging import MAX_ACTIVE, MergingQueue

NAMESPACE = ("team", "notes")


class Database:
    """A store that counts the calls, and refuses what is said to be forgotten."""

    def __init__(self) -> None:
        self.store = InMemoryStore()
        self.calls = 0
        self.queue = MergingQueue(self.work)

    async def work(self, ops: list[Op]) -> list[Result]:
        self.calls += 1
        await asyncio.sleep(0)
        if any(isinstance(op, PutOp) and op.key == "forgotten" for op in ops):
            raise Erased(now=False)
        if any(isinstance(op, PutOp) and op.key == "away" for op in ops):
            raise ConnectionError
        return await self.store.abatch(ops)

    async def put(self, key: str, number: int = 0) -> list[Result]:
        return await self.queue.run([PutOp(NAMESPACE, key, {"number": number})])

    async def get(self, key: str) -> Any:
        (item,) = await self.queue.run([GetOp(NAMESPACE, key)])
        return item.value["number"] if isinstance(item, Item) else None


async def test_thousands_of_calls_take_few_statements() -> None:
    database = Database()
    await asyncio.gather(*(database.put(f"k{n}", n) for n in range(2_000)))
    assert database.calls < 20
    numbers = await asyncio.gather(*(database.get(f"k{n}") for n in range(2_000)))
    assert numbers == list(range(2_000))
    assert database.calls < 40


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=40))
async def test_of_writes_to_one_item_the_last_counts(writes: list[tuple[str, int]]) -> None:
    database = Database()
    busy = [database.get("x") for _ in range(MAX_ACTIVE)]
    await asyncio.gather(*busy, *(database.put(key, number) for key, number in writes))
    assert {key: await database.get(key) for key, _ in writes} == dict(writes)


async def test_one_refused_call_refuses_no_other() -> None:
    database = Database()
    keys = ["x"] * MAX_ACTIVE + ["a", "forgotten", "b", "away", "c"]
    results = await asyncio.gather(*map(database.put, keys), return_exceptions=True)
    errors = [type(result) for result in results if isinstance(result, Exception)]
    assert errors == [Erased, ConnectionError]
    assert [await database.get(key) for key in "abc"] == [0, 0, 0]


async def test_a_caller_that_is_cancelled_stops_nobody_else() -> None:
    database = Database()
    tasks = [asyncio.create_task(database.put(f"k{n}", n)) for n in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 50
    assert [await database.get(f"k{n}") for n in range(1, 100, 2)] == list(range(1, 100, 2))
    assert await database.get("new") is None


async def test_equal_reads_share_a_statement_and_no_objects() -> None:
    database = Database()
    await database.put("k", 1)
    search = SearchOp(NAMESPACE, limit=5)
    pages = await asyncio.gather(*(database.queue.run([search]) for _ in range(50)))
    first: Any = pages[-1]
    first[0][0].value["number"] = 2
    assert sum(page[0][0].value["number"] for page in pages[:-1]) == 49  # type: ignore[index,union-attr]


@pytest_asyncio.fixture
async def store(home: Settings) -> AsyncIterator[HybridStore]:
    async with open_store(home) as store:
        yield store


async def test_mixed_operations_at_once_all_succeed(store: HybridStore) -> None:
    async def mixed(number: int) -> None:
        key, value = f"k{number % 50}", {"text": f"note {number}"}
        await asyncio.gather(
            store.aput(NAMESPACE, key, value),
            store.aget(NAMESPACE, key),
            store.asearch(NAMESPACE),
            store.alist_namespaces(max_depth=2),
            store.adelete(NAMESPACE, f"k{number % 50 + 50}"),
        )

    await asyncio.gather(*map(mixed, range(1_000)))
    assert len(await store.asearch(NAMESPACE, limit=100)) == 50
    assert await store.asearch(NAMESPACE, query="note 999")


async def test_a_value_that_cannot_be_stored_is_refused_alone(store: HybridStore) -> None:
    values: list[Any] = [{"text": n if n != 7 else object()} for n in range(20)]
    puts = (store.aput(NAMESPACE, f"k{n}", value) for n, value in enumerate(values))
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [7]
    assert len(await store.asearch(NAMESPACE, limit=100)) == 19


@pytest.mark.parametrize("namespace", [(), ("a.b",), ("langgraph", "x")])
async def test_a_bad_namespace_is_refused_alone(store: HybridStore, namespace: Any) -> None:
    puts = [store.aput(NAMESPACE, f"k{n}", {"text": "x"}) for n in range(20)]
    bad = store.aput(namespace, "k", {"text": "x"})
    results = await asyncio.gather(*puts, bad, return_exceptions=True)
    assert [isinstance(result, Exception) for result in results] == [False] * 20 + [True]
