import shutil
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import GetOp, PutOp, SearchOp

from tests.backends import environ_of
from threadkeep.base.errors import StorageFailed
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.vectors.embeddings import open_embeddings
from threadkeep.vectors.vector_index import VectorIndex

LISBON = "My sister Miriam moved to Lisbon and keeps two parrots."
TRAIN = "The night train to Vienna was late again."


async def search_keys(store: HybridStore, query: str, *namespace: str) -> list[str]:
    return [item.key for item in await store.asearch(namespace or ("ada",), query=query)]


async def fill(store: HybridStore) -> None:
    await store.aput(("ada", "messages", "t1"), "lisbon", {"text": LISBON, "n": 1})
    await store.aput(("ada", "messages", "t2"), "train", {"text": TRAIN, "n": 2})
    await store.aput(("bob", "messages", "t1"), "bobs", {"text": "Lisbon parrots sister", "n": 3})


async def test_a_put_item_is_searchable_at_once_and_after_a_restart(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        assert await search_keys(store, "Where do the parrots live?") == ["lisbon"]
    async with open_store(home) as store:
        assert await search_keys(store, "Where do the parrots live?") == ["lisbon"]
        await store.index_pending()
        assert await search_keys(store, "Where do the parrots live?") == ["lisbon"]


async def test_a_search_returns_only_items_below_its_namespace(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        await store.index_pending()
        assert await search_keys(store, "parrots or train", "ada", "messages", "t2") == ["train"]
        assert await search_keys(store, "parrots", "ada", "messages", "t") == []
        assert await search_keys(store, "parrots", "ad") == []
        assert await search_keys(store, "parrots", "bob") == ["bobs"]


async def test_a_query_without_relevant_items_has_no_results(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        await store.index_pending()
        assert await search_keys(store, "What is the boiling point of tungsten?") == []


async def test_a_search_finds_related_text_without_a_common_word(home: Settings) -> None:
    async with open_store(home) as store:
        await store.aput(("ada", "messages", "t1"), "dog", {"text": "My puppy barks at cats."})
        await store.aput(("ada", "messages", "t1"), "tax", {"text": "The tax office wrote."})
        await store.index_pending()
        assert await search_keys(store, "dogs and kittens") == ["dog"]


async def test_replaced_and_deleted_items_have_no_results(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        await store.index_pending()
        await store.aput(("ada", "messages", "t1"), "lisbon", {"text": "She moved to Porto."})
        await store.adelete(("ada", "messages", "t2"), "train")
        await store.index_pending()
        assert await search_keys(store, "sister Miriam in Lisbon") == []
        assert await search_keys(store, "parrots") == []
        assert await search_keys(store, "Porto") == ["lisbon"]
        assert await search_keys(store, TRAIN) == []
        ids = await store.vectors.search("ada", "Vienna", 10)
        assert len(ids) == 1


async def test_items_put_without_index_are_stored_but_not_searchable(home: Settings) -> None:
    async with open_store(home) as store:
        await store.aput(("ada", "x"), "hidden", {"text": "parrots"}, index=False)
        await store.aput(("ada", "x"), "wordless", {"number": 1, "none": None})
        assert await search_keys(store, "parrots") == []
        assert len(await store.asearch(("ada", "x"))) == 2


async def test_a_search_filters_pages_and_scores(home: Settings) -> None:
    async with open_store(home) as store:
        for number in range(10):
            value = {"text": f"parrot number {number}", "n": number}
            await store.aput(("ada", "x"), str(number), value)
        await store.index_pending()
        namespace = ("ada", "x")
        items = await store.asearch(namespace, query="parrot", limit=10)
        scores = [item.score or 0 for item in items]
        assert scores == sorted(scores, reverse=True)
        assert 0 < min(scores) <= max(scores) <= 1
        page = await store.asearch(namespace, query="parrot", limit=3, offset=3)
        assert [item.key for item in page] == [item.key for item in items[3:6]]
        filtered = await store.asearch(namespace, query="parrot", filter={"n": {"$gte": 8}})
        assert {item.key for item in filtered} == {"8", "9"}


async def test_operations_of_all_kinds_keep_their_order_in_a_batch(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        item, hits, put_result, items = await store.abatch(
            [
                GetOp(("ada", "messages", "t2"), "train"),
                SearchOp(("ada",), query="parrots"),
                PutOp(("ada", "new"), "k", {"text": "x"}),
                SearchOp(("ada", "messages")),
            ]
        )
        assert getattr(item, "key", None) == "train"
        assert [item.key for item in hits] == ["lisbon"]  # type: ignore[union-attr]
        assert put_result is None
        assert len(items) == 2  # type: ignore[arg-type]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=st.text(max_size=60) | st.sampled_from(['"', "a OR", "NEAR(", "owner:x", "*", "a-b^"]))
async def test_a_query_is_never_parsed_as_search_syntax(home: Settings, query: str) -> None:
    async with open_store(home) as store:
        await store.aput(("ada", "x"), "k", {"text": "parrots"})
        await store.aput(("bob", "x"), "k", {"text": query or "x"})
        if query:
            hits = await store.asearch(("ada",), query=query)
            assert all(item.namespace[0] == "ada" for item in hits)


async def test_chinese_and_thai_words_match(home: Settings) -> None:
    async with open_store(home) as store:
        await store.aput(("ada", "x"), "zh", {"text": "北京 是 首都"})
        assert await search_keys(store, "北京") == ["zh"]


SECOND_PROCESS = """
import asyncio
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store
async def main():
    async with open_store(Settings()) as store:
        await store.aput(("ada", "x"), "other", {"text": "My puppy barks at cats."})
        store.warm()
        while not store.notice:
            await asyncio.sleep(0.01)
        print([item.key for item in await store.asearch(("ada",), query="puppy")], store.notice)
asyncio.run(main())
"""


async def test_a_second_process_searches_by_words_with_a_notice_and_the_first_indexes_its_items(
    home: Settings,
) -> None:
    async with open_store(home) as store:
        await store.index_pending()
        process = subprocess.run(
            [sys.executable, "-c", SECOND_PROCESS],
            env=environ_of(home),
            capture_output=True,
            text=True,
            check=True,
        )
        assert process.stdout.startswith("['other'] Another window holds the vector index")
        await store.index_pending()
        assert await search_keys(store, "dogs and kittens") == ["other"]


KILLED_BEFORE_INDEXING = """
import asyncio, os, signal
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store
from threadkeep.vectors.embeddings import open_embeddings
from threadkeep.vectors.vector_index import VectorIndex
async def main():
    async with open_store(Settings()) as store:
        await store.aput(("ada", "x"), "dog", {"text": "My puppy barks at cats."})
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_a_vector_missing_after_a_kill_is_made_on_the_next_start(home: Settings) -> None:
    process = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_INDEXING], env=environ_of(home), check=False
    )
    assert process.returncode == -9
    async with open_store(home) as store:
        await store.index_pending()
        assert await search_keys(store, "dogs and kittens") == ["dog"]


async def test_vectors_in_the_layout_of_an_earlier_version_are_rebuilt(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        await store.index_pending()
        vectors = await store.count_vectors("ada")
    for folder in home.vectors.iterdir():
        shutil.rmtree(folder)
    (home.vectors / "chroma.sqlite3").write_bytes(b"of all users")
    async with open_store(home) as store:
        await store.index_pending()
        assert not (home.vectors / "chroma.sqlite3").exists()
        assert await store.count_vectors("ada") == vectors > 0
        assert not store.notice


async def test_a_broken_vector_folder_affects_only_its_owner_until_it_is_rebuilt(
    home: Settings,
) -> None:
    async with open_store(home) as store:
        await fill(store)
        await store.aput(("bob", "x"), "vienna", {"text": "Bob lives in Vienna."})
        await store.index_pending()
    name = VectorIndex(home.vectors, home.locks / "unused", open_embeddings(home))._name("ada")
    (home.vectors / name / "chroma.sqlite3").write_bytes(b"no database " * 1000)
    async with open_store(home) as store:
        await store.index_pending()
        assert await store.vectors.search("ada", "Vienna", 10) == {}
        assert await search_keys(store, "parrots") == ["lisbon"]
        assert len(await store.vectors.search("bob", "Vienna", 10)) == 2
        await store.index_pending()
        assert len(await store.vectors.search("ada", "Vienna", 10)) == 2


async def test_words_and_vectors_can_be_rebuilt_from_the_items(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
        await store.index_pending()
        await store.reindex()
        assert await search_keys(store, "parrots") == ["lisbon"]
        assert len(await store.vectors.search("ada", "Vienna", 10)) == 2


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no database " * 1000, "cannot be used"), (b"", "")],
)
async def test_a_file_that_is_no_database_is_not_changed(
    home: Settings, content: bytes, message: str
) -> None:
    home.database.write_bytes(content)
    if not message:
        async with open_store(home) as store:
            await fill(store)
        return
    with pytest.raises(StorageFailed, match=message):
        async with open_store(home):
            pass
    assert home.database.read_bytes() == content


@pytest.mark.sqlite
async def test_the_database_of_another_program_is_refused_and_not_changed(
    home: Settings,
) -> None:
    with sqlite3.connect(home.database) as conn:
        conn.execute("CREATE TABLE recipes (name)")
    conn.close()
    before = home.database.read_bytes()
    with pytest.raises(StorageFailed, match="belongs to another program"):
        async with open_store(home):
            pass
    assert home.database.read_bytes() == before


@pytest.mark.sqlite
async def test_the_data_of_a_newer_version_is_refused_and_not_changed(home: Settings) -> None:
    async with open_store(home) as store:
        await fill(store)
    with sqlite3.connect(home.database) as conn:
        conn.execute("PRAGMA user_version = 99")
    conn.close()
    with pytest.raises(StorageFailed, match="version 99"):
        async with open_store(home):
            pass
    with sqlite3.connect(home.database) as conn:
        conn.execute("PRAGMA user_version = 1")
    conn.close()
    async with open_store(home) as store:
        assert await search_keys(store, "parrots") == ["lisbon"]
