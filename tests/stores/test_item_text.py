"""An item is found by every string of its value, or by the paths of its put, on every database."""

import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.base import PutOp

from threadkeep import HybridStore, Settings, open_store
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.stores.item_text import item_text

SENTENCE = "My sister Miriam moved to Lisbon"
QUERY = "Where does Miriam live?"
SHAPES: list[tuple[dict[str, Any], Any]] = [
    ({"text": SENTENCE}, None),
    ({"content": SENTENCE}, None),
    ({"content": SENTENCE, "context": "in a chat"}, None),
    ({"kind": "Memory", "content": {"content": SENTENCE}}, None),
    ({"facts": [{"words": SENTENCE}]}, None),
    ({"deep": {"a": [[{"b": ["x", SENTENCE]}]]}}, None),
    ({"text": "bicycle", "note": SENTENCE}, None),
    ({"text": {"nested": SENTENCE}}, None),
    ({"before": SENTENCE, "number": 1, "none": None}, None),
    ({"title": SENTENCE, "body": "bicycle"}, ["title"]),
    ({"a": {"b": SENTENCE}, "text": "bicycle"}, ["a.b"]),
    ({"list": [{"c": "x"}, {"c": SENTENCE}], "text": "bicycle"}, ["list[*].c"]),
    ({"list": ["x", SENTENCE], "text": "bicycle"}, ["list[-1]"]),
    ({"whole": SENTENCE}, ["$"]),
    ({"text": "自転車", "title": f"{SENTENCE} 京都"}, ["title"]),
]


@pytest_asyncio.fixture
async def store(home: Settings) -> AsyncIterator[HybridStore]:
    async with open_store(home) as store:
        yield store


async def keys(store: HybridStore, space: tuple[str, ...], query: str = QUERY) -> list[str]:
    return [item.key for item in await store.asearch(space, query=query, limit=100)]


async def test_every_shape_is_searched_by_its_strings_or_paths(store: HybridStore) -> None:
    for number, (value, index) in enumerate(SHAPES):
        space = ("notes", f"n{number}")
        await store.aput(space, "k", value, index=index)
        assert await keys(store, space) == ["k"], (value, index)
        item = await store.aget(space, "k")
        assert item is not None
        assert item.value == value
    assert len(await keys(store, ("notes",))) == len(SHAPES)
    assert len(await keys(store, ())) == len(SHAPES)
    assert await keys(store, ("notes", "n14"), "京都") == ["k"]
    assert await keys(store, ("notes", "n9"), "bicycle") == []
    await store.reindex()
    for number in range(len(SHAPES)):
        assert await keys(store, ("notes", f"n{number}")) == ["k"], SHAPES[number]


async def test_the_last_put_says_by_what_an_item_is_searched(store: HybridStore) -> None:
    space, value = ("notes", "one"), {"text": "bicycle", "title": SENTENCE}
    for index, expected in [
        (None, ["k"]),
        (["text"], []),
        (["title"], ["k"]),
        (["title"], ["k"]),
        (False, []),
        (None, ["k"]),
        (False, []),
        (["missing"], []),
        (["title", "text"], ["k"]),
    ]:
        puts: Any = index
        await store.aput(space, "k", value, index=puts)
        assert await keys(store, space) == expected, index
        await store.reindex()
        assert await keys(store, space) == expected, index
    await store.aput(space, "k", {"text": "bicycle"})
    assert await keys(store, space) == []
    await store.adelete(space, "k")
    assert await keys(store, space, "bicycle") == []


async def test_of_several_puts_of_an_item_in_a_batch_the_last_counts(store: HybridStore) -> None:
    space = ("notes", "one")
    ops = [PutOp(space, "k", {"title": SENTENCE}, False), PutOp(space, "k", {"title": SENTENCE})]
    await store.abatch(ops)
    assert await keys(store, space) == ["k"]
    await store.abatch(ops[::-1])
    assert await keys(store, space) == []


async def test_vectors_are_made_of_the_same_text(store: HybridStore) -> None:
    await store.aput(("notes", "a"), "k", {"content": SENTENCE})
    await store.aput(("notes", "b"), "k", {"title": SENTENCE, "text": "x"}, index=["title"])
    pending = await store.index.pending(10)
    assert [text for _, _, text in pending] == [SENTENCE, SENTENCE]
    await store.index_pending()
    assert await store.count_vectors("notes") == 2


async def test_a_large_text_is_stored_and_searched_by_its_beginning(store: HybridStore) -> None:
    text = f"{SENTENCE} " + " ".join(f"word{number}" for number in range(60_000))
    await store.aput(("notes", "a"), "k", {"content": text})
    await store.aput(("notes", "b"), "k", {"text": text})
    assert await keys(store, ("notes", "a")) == ["k"]
    assert await keys(store, ("notes", "b")) == ["k"]


@pytest.mark.sqlite
async def test_a_database_of_version_1_is_brought_up_to_date(home: Settings) -> None:
    async with open_store(home) as store:
        await store.aput(("notes", "a"), "k", {"content": SENTENCE})
        await store.aput(("notes", "b"), "k", {"text": SENTENCE})
        await store.aput(("notes", "c"), "k", {"text": SENTENCE}, index=False)
    with sqlite3.connect(home.database) as conn:
        # What version 1 had: the triggers' index alone, and nothing of what a put said.
        conn.executescript(
            "DELETE FROM words WHERE rowid IN (SELECT id FROM indexed WHERE text IS NOT NULL);"
            "DELETE FROM indexed WHERE text IS NOT NULL; DROP TABLE index_fields;"
            "DROP TRIGGER store_gone; ALTER TABLE indexed DROP COLUMN text;"
            "CREATE TRIGGER store_gone AFTER DELETE ON store BEGIN "
            "DELETE FROM indexed WHERE prefix = old.prefix AND key = old.key; END;"
            "PRAGMA user_version = 1"
        )
    conn.close()
    async with open_store(home) as store:
        assert await keys(store, ("notes", "a")) == ["k"]
        assert await keys(store, ("notes", "b")) == ["k"]
        assert await keys(store, ("notes", "c")) == []
        await store.reindex()
        assert await keys(store, ("notes", "c")) == []


def test_the_records_of_an_owner_are_searched_by_their_text_alone() -> None:
    owner = "0" * 32
    value = {"text": "hello", "role": "user", "id": "1"}
    assert item_text((owner, "messages", "t"), "k", value, None) is None
    assert item_text((owner, "usage"), "k", {"thread": "t"}, False) is None
    assert item_text((owner, "diary"), "k", value, None) is not None
    assert item_text(("ada", "messages"), "k", {"content": "hello"}, None) is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["text", "name", "role", "time", "position", "before", "x"]), json_values
    ),
    st.none() | st.just(["x", "text"]),
)
def test_any_value_can_be_indexed_and_every_string_of_it_is_in_its_text(
    value: dict[str, Any], index: Any
) -> None:
    text = item_text(("notes", "a"), "k", value, index)
    indexed_text = text.text if text is not None else value.get("text")
    if isinstance(word := value.get("x"), str) and word.isalnum() and word.isascii():
        assert word in str(indexed_text)
    memory_index = MemoryIndex()
    memory_index.add(1, "notes.a", {**value, "text": indexed_text or ""})
    memory_index.passages.norms()
