"""The index in memory is never more than a copy of what is stored."""

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
SPACE = ("ada", "messages", "t1")
WORDS = st.sampled_from("parrot Lisbon train Vienna sister piano 2023 Tuesday the of 北京".split())
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
CHANGES = st.lists(st.tuples(st.sampled_from("abcdef"), TEXTS | st.none()), max_size=25)


async def found(store: HybridStore, query: str) -> list[tuple[str, float]]:
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
async def test_whatever_changes_a_search_finds_what_a_new_process_would_find(
    home: Settings, changes: list[tuple[str, str | None]], query: str
) -> None:
    async with open_store(home) as store:
        for key in "abcdef":
            await store.adelete(SPACE, key)
        await found(store, query)
        for key, text in changes:
            if text is None:
                await store.adelete(SPACE, key)
            else:
                value = {"text": text, "time": "2023-05-08T10:00:00+00:00", "position": ord(key)}
                await store.aput(SPACE, key, value)
            await found(store, query)
        await store.index_pending()
        kept_up = await found(store, query)
        store.indexes.clear()
        afresh = await found(store, query)
        assert dict(kept_up) == pytest.approx(dict(afresh), abs=0.1)


async def other_process(home: Settings, work: str) -> None:
    code = (
        "import asyncio\nfrom threadkeep.base.settings import Settings\n"
        "from threadkeep.stores.hybrid import open_store\nasync def main():\n"
        f"    async with open_store(Settings()) as store:\n        {work}\n"
        "asyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environ_of(home))
    assert await process.wait() == 0


async def test_what_another_process_stores_or_forgets_is_so_in_the_next_search(
    home: Settings,
) -> None:
    async with open_store(home) as store:
        await store.aput(SPACE, "here", {"text": "A parrot in Lisbon."})
        assert [key for key, _ in await found(store, "parrot")] == ["here"]
        await other_process(
            home, f"await store.aput({SPACE}, 'there', {{'text': 'A parrot in Vienna.'}})"
        )
        assert {key for key, _ in await found(store, "parrot")} == {"here", "there"}
        await other_process(home, f"await store.adelete({SPACE}, 'here')")
        assert [key for key, _ in await found(store, "parrot")] == ["there"]


async def test_a_log_that_has_forgotten_what_is_gone_costs_a_new_index_and_nothing_else(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.stores.sqlite_index.GONE_KEPT", 1)
    async with open_store(home) as store, open_store(home) as other:
        for key in "abcdef":
            await store.aput(SPACE, key, {"text": f"parrot {key}"})
        assert len(await found(other, "parrot")) == 6
        for key in "abcde":
            await store.adelete(SPACE, key)
        await store.index_pending()
        assert [key for key, _ in await found(other, "parrot")] == ["f"]


async def test_who_has_too_much_to_hold_in_memory_is_searched_by_words_and_vectors(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "MAX_ROWS_PER_OWNER", 1)
    async with open_store(home) as store:
        await store.aput(SPACE, "lisbon", {"text": "My sister keeps parrots in Lisbon."})
        await store.aput(SPACE, "dog", {"text": "My puppy barks at cats."})
        await store.aput(("bob", "messages", "t1"), "bobs", {"text": "Lisbon parrots"})
        await store.index_pending()
        assert [key for key, _ in await found(store, "Where do the parrots live?")] == ["lisbon"]
        assert [key for key, _ in await found(store, "dogs and kittens")] == ["dog"]


async def test_memory_is_bounded_and_whoever_was_put_out_is_read_again(
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


async def test_an_index_that_takes_long_to_read_is_not_waited_for(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "LOAD_TIMEOUT", 0.0)
    async with open_store(home) as store:
        await store.aput(SPACE, "lisbon", {"text": "My sister keeps parrots in Lisbon."})
        assert [key for key, _ in await found(store, "parrots")] == ["lisbon"]
        for _ in range(100):
            await asyncio.sleep(0.01)
            assert [key for key, _ in await found(store, "parrots")] == ["lisbon"]


async def test_a_large_index_is_read_behind_the_first_search(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "EAGER_ROWS", 1)
    monkeypatch.setattr(memory_indexes, "LOAD_DELAY", 0.2)
    async with open_store(home) as store:
        await store.aput(SPACE, "lisbon", {"text": "My sister keeps parrots in Lisbon."})
        await store.aput(SPACE, "dog", {"text": "My puppy barks at cats."})
        (hit,) = await store.asearch(SPACE, query="parrots")
        assert "form" not in getattr(hit, "parts", {})
        while "form" not in getattr(hit, "parts", {}):
            await asyncio.sleep(0.05)
            (hit,) = await store.asearch(SPACE, query="parrots")
        assert hit.key == "lisbon"


async def test_a_store_that_is_closed_reads_no_index_to_its_end(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_indexes, "LOAD_TIMEOUT", 0.0)
    put, read = MemoryIndex.add, list[int]()

    def slowly(self: MemoryIndex, number: int, prefix: str, value: dict[str, Any]) -> None:
        time.sleep(0.01)
        read.append(number)
        put(self, number, prefix, value)

    async with open_store(home) as store:
        for number in range(200):
            await store.aput(SPACE, str(number), {"text": f"parrot {number}"})
    monkeypatch.setattr(MemoryIndex, "add", slowly)
    async with open_store(home) as store:
        await found(store, "parrot")
        while not read:  # noqa: ASYNC110  (a thread reads)
            await asyncio.sleep(0.01)
    seen = len(read)
    await asyncio.sleep(0.3)
    assert len(read) - seen <= 1
    assert len(read) < 200
