"""The memory index always equals the stored items."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.backends import environ_of
from threadkeep.base.settings import Settings
from threadkeep.search import memory_indexes
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.stores.hybrid import HybridStore, open_store

ROOT = Path(__file__).parents[2]
NAMESPACE = ("ada", "messages", "t1")
WORDS = st.sampled_from("parrot Lisbon train Vienna sister piano 2023 Tuesday the of 北京".split())
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
CHANGES = st.lists(st.tuples(st.sampled_from("abcdef"), TEXTS | st.none()), max_size=25)


async def results(store: HybridStore, query: str) -> list[tuple[str, float]]:
    hits = await store.asearch(("ada", "messages"), query=query, limit=20)
    return [(hit.key, round(hit.score or 0, 3)) for hit in hits]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES, query=TEXTS)
@example(
    changes=[("a", "parrot"), ("b", "parrot"), ("c", "train"), ("d", "train"), ("e", "parrot")],
    query="北京",
)
async def test_after_any_changes_a_search_equals_that_of_a_new_process(
    home: Settings, changes: list[tuple[str, str | None]], query: str
) -> None:
    async with open_store(home) as store:
        for key in "abcdef":
            await store.adelete(NAMESPACE, key)
        await results(store, query)
        for key, text in changes:
            if text is None:
                await store.adelete(NAMESPACE, key)
            else:
                value = {"text": text, "time": "2023-05-08T10:00:00+00:00", "position": ord(key)}
                await store.aput(NAMESPACE, key, value)
            await results(store, query)
        await store.index_pending()
        updated = await results(store, query)
        store.indexes.clear()
        rebuilt = await results(store, query)
        assert dict(updated) == pytest.approx(dict(rebuilt), abs=0.1)


async def run_in_other_process(home: Settings, statement: str) -> None:
    code = (
        "import asyncio\nfrom threadkeep.base.settings import Settings\n"
        "from threadkeep.stores.hybrid import open_store\nasync def main():\n"
        f"    async with open_store(Settings()) as store:\n        {statement}\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environ_of(home))
    assert await process.wait() == 0


async def test_the_next_search_sees_what_another_process_stored_or_deleted(
    home: Settings,
) -> None:
    async with open_store(home) as store:
        await store.aput(NAMESPACE, "own", {"text": "A parrot in Lisbon."})
        assert [key for key, _ in await results(store, "parrot")] == ["own"]
        await run_in_other_process(
            home, f"await store.aput({NAMESPACE}, 'other', {{'text': 'A parrot in Vienna.'}})"
        )
        assert {key for key, _ in await results(store, "parrot")} == {"own", "other"}
        await run_in_other_process(home, f"await store.adelete({NAMESPACE}, 'own')")
        assert [key for key, _ in await results(store, "parrot")] == ["other"]


async def test_an_index_is_rebuilt_if_the_log_of_deletions_was_pruned(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.stores.sqlite_index.MAX_DELETED", 1)
    async with open_store(home) as store, open_store(home) as other:
        for key in "abcdef":
            await store.aput(NAMESPACE, key, {"text": f"parrot {key}"})
        assert len(await results(other, "parrot")) == 6
        for key in "abcde":
            await store.adelete(NAMESPACE, key)
        await store.index_pending()
        assert [key for key, _ in await results(other, "parrot")] == ["f"]


async def test_a_user_with_too_many_items_is_searched_by_words_and_vectors(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "MAX_ROWS_PER_OWNER", 1)
    async with open_store(home) as store:
        await store.aput(NAMESPACE, "lisbon", {"text": "My sister keeps parrots in Lisbon."})
        await store.aput(NAMESPACE, "dog", {"text": "My puppy barks at cats."})
        await store.aput(("bob", "messages", "t1"), "parrots", {"text": "Lisbon parrots"})
        await store.index_pending()
        assert [key for key, _ in await results(store, "Where do the parrots live?")] == ["lisbon"]
        assert [key for key, _ in await results(store, "dogs and kittens")] == ["dog"]


async def test_memory_is_bounded_and_an_evicted_index_is_loaded_again(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "MAX_ROWS", 3)
    async with open_store(home) as store:
        for user in ("ada", "bob", "eve"):
            for number in range(2):
                await store.aput((user, "messages", "t"), str(number), {"text": f"parrot {number}"})
        for user in ("ada", "bob", "eve", "ada"):
            assert len(await store.asearch((user,), query="parrot")) == 2
            assert len(store.indexes._entries) <= 2


async def test_a_search_does_not_wait_for_an_index_that_loads_slowly(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "LOAD_TIMEOUT", 0.0)
    async with open_store(home) as store:
        await store.aput(NAMESPACE, "lisbon", {"text": "My sister keeps parrots in Lisbon."})
        assert [key for key, _ in await results(store, "parrots")] == ["lisbon"]
        for _ in range(100):
            await asyncio.sleep(0.01)
            assert [key for key, _ in await results(store, "parrots")] == ["lisbon"]


async def test_a_large_index_loads_after_the_first_search(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "EAGER_ROWS", 1)
    monkeypatch.setattr(memory_indexes, "LOAD_DELAY", 0.2)
    async with open_store(home) as store:
        await store.aput(NAMESPACE, "lisbon", {"text": "My sister keeps parrots in Lisbon."})
        await store.aput(NAMESPACE, "dog", {"text": "My puppy barks at cats."})
        (hit,) = await store.asearch(NAMESPACE, query="parrots")
        assert "form" not in getattr(hit, "parts", {})
        while "form" not in getattr(hit, "parts", {}):
            await asyncio.sleep(0.05)
            (hit,) = await store.asearch(NAMESPACE, query="parrots")
        assert hit.key == "lisbon"


async def test_closing_a_store_stops_the_loading_of_an_index(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "LOAD_TIMEOUT", 0.0)
    add, loaded = MemoryIndex.add, list[int]()

    def add_slowly(self: MemoryIndex, number: int, prefix: str, value: dict[str, Any]) -> None:
        time.sleep(0.01)
        loaded.append(number)
        add(self, number, prefix, value)

    async with open_store(home) as store:
        for number in range(200):
            await store.aput(NAMESPACE, str(number), {"text": f"parrot {number}"})
    monkeypatch.setattr(MemoryIndex, "add", add_slowly)
    async with open_store(home) as store:
        await results(store, "parrot")
        while not loaded:  # noqa: ASYNC110  (a thread loads it)
            await asyncio.sleep(0.01)
    count = len(loaded)
    await asyncio.sleep(0.3)
    assert len(loaded) - count <= 1
    assert len(loaded) < 200
