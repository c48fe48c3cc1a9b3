"""Behaviour that only PostgreSQL has: set-up, JSON, concurrency and word search."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.postgres_index import PostgresIndex
from threadkeep.stores.postgres_items import _dumps


async def test_the_tables_of_another_program_are_refused_and_not_changed(
    tmp_path: Path,
) -> None:
    async with (
        fresh_database("postgres") as url,
        await AsyncConnection.connect(url, autocommit=True) as conn,
    ):
        await conn.execute("CREATE TABLE store (recipe text)")
        with pytest.raises(StorageFailed, match="another program"):
            async with open_store(Settings(home=tmp_path, checkpoints=parse_database(url))):
                pass
        cursor = await conn.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        )
        assert await cursor.fetchone() == (1,)


async def test_the_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    async with fresh_database("postgres") as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_store(settings):
            pass
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            await conn.execute("UPDATE threadkeep SET version = 99")
        with pytest.raises(StorageFailed, match="version 99"):
            async with open_store(settings):
                pass


async def test_concurrent_stores_can_set_up_the_same_database(tmp_path: Path) -> None:
    async def open_both(url: str, number: int) -> None:
        settings = Settings(home=tmp_path / str(number), checkpoints=parse_database(url))
        async with open_store(settings), open_checkpointer(parse_database(url)):
            pass

    # Two databases: an index that is built concurrently waits for every session of the server.
    async with (
        asyncio.timeout(120),
        fresh_database("postgres") as url,
        fresh_database("postgres") as other,
    ):
        await asyncio.gather(
            *(open_both(database, number) for number, database in enumerate([url, other] * 3))
        )


async def test_an_unreachable_server_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    database = parse_database("postgresql://me:geheim@127.0.0.1:1/nothing")
    with pytest.raises(StorageFailed) as error:
        async with open_store(Settings(home=tmp_path, checkpoints=database)):
            pass
    assert "postgresql://me@127.0.0.1:1/nothing" in str(error.value)
    assert "geheim" not in str(error.value)
    assert "\n" not in str(error.value)


UNUSUAL_TEXT = st.text(st.sampled_from("a\0\\u0ü\"'%{}北"), max_size=12)


@given(
    value=st.recursive(
        UNUSUAL_TEXT, lambda inner: st.dictionaries(UNUSUAL_TEXT, inner) | st.lists(inner)
    )
)
def test_json_loses_nothing_but_nul(value: Any) -> None:
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("\0", "")
        if isinstance(value, list):
            return [clean(inner) for inner in value]
        return {clean(key): clean(inner) for key, inner in value.items()}

    has_no_nul = str(value).count("\0") == 0
    decoded = orjson.loads(_dumps(value))
    assert decoded == clean(value) or not has_no_nul


async def test_nul_is_removed_from_stored_text(tmp_path: Path) -> None:
    async with (
        fresh_database("postgres") as url,
        open_store(Settings(home=tmp_path, checkpoints=parse_database(url))) as store,
    ):
        await store.aput(("ada", "x"), "k", {"text": "a\0b \\u0000 c"})
        item = await store.aget(("ada", "x"), "k")
        assert item is not None
        assert item.value == {"text": "ab \\u0000 c"}


async def test_items_of_concurrent_writers_for_one_user_are_all_searchable(tmp_path: Path) -> None:
    async with fresh_database("postgres") as url:
        settings = Settings(home=tmp_path / "1", checkpoints=parse_database(url))
        async with (
            open_store(settings) as store,
            open_store(settings.model_copy(update={"home": tmp_path / "2"})) as other,
        ):

            async def put(number: int) -> None:
                writer = store if number % 2 else other
                await writer.aput(("ada", "t", str(number)), "k", {"text": f"parrot {number}"})
                items = await writer.asearch(("ada",), query="parrot", limit=100)
                assert f"parrot {number}" in [item.value["text"] for item in items]

            await asyncio.gather(*map(put, range(40)))
            for reader in (store, other):
                items = await reader.asearch(("ada",), query="parrot", limit=100)
                assert len(items) == 40


async def test_the_words_of_an_older_version_are_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.search.memory_indexes.MAX_ROWS_PER_OWNER", -1)
    async with fresh_database("postgres") as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_store(settings) as store:
            await store.aput(("ada", "m"), "k", {"text": "Zürich"})
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            await conn.execute("UPDATE indexed SET words = to_tsvector('english', 'Zürich')")
            await conn.execute("UPDATE threadkeep SET version = 2")
        async with open_store(settings) as store:
            items = await store.index.search(("ada",), "Zurich", 9)
            assert len(items) == 1


async def test_a_word_search_of_a_large_user_stays_below_its_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.search.memory_indexes.MAX_ROWS_PER_OWNER", -1)
    async with fresh_database("postgres") as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url))
        async with open_store(settings) as store:
            await store.aput(("ada", "messages", "t1"), "a", {"text": "Two parrots live here."})
            await store.aput(("ada", "messages", "t2"), "b", {"text": "x", "before": "A parrot?"})
            await store.aput(("bob", "messages", "t1"), "c", {"text": "A parrot"})
            await store.aput(("adam", "messages", "t1"), "d", {"text": "A parrot"})
            for namespace, keys in (
                (("ada",), ["a", "b"]),
                (("ada", "messages", "t2"), ["b"]),
                (("bob",), ["c"]),
                (("ad",), []),
            ):
                items = await store.asearch(namespace, query="the parrot's ' | & ! :* \\")
                assert sorted(item.key for item in items) == keys
            assert isinstance(store.index, PostgresIndex)
