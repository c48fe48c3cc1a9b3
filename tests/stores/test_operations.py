"""What enters a store is validated, filters mean one thing, and internal items stay hidden."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.base import BaseStore, GetOp, ListNamespacesOp, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from threadkeep import AccessRefused, HybridStore, OwnedStore, Settings, acting_as, open_store
from threadkeep.search.filters import matches_filter, validate_filter
from threadkeep.stores.access_tokens import add_token, user_of_token
from threadkeep.stores.namespaces import INTERNAL
from threadkeep.stores.owned import get_own_namespace, own_namespace

SHOP: dict[str, dict[str, Any]] = {
    "1": {"text": "red apple", "year": 2020, "tags": ["a", "b"], "at": {"city": "Oslo", "n": 1}},
    "2": {"text": "red pear"},
    "3": {"text": "red plum", "year": "old", "tags": "a"},
    "4": {"text": "red cherry", "year": 1990, "sold": True},
    "5": {"text": "red grape", "year": None, "sold": 1},
    "6": {"text": "red fig", "year": 1990.0, "sold": False},
}
FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"year": {"$gte": 2000}}, "1"),
    ({"year": {"$lt": 2000}}, "46"),
    ({"year": {"$ne": 1990}}, "135"),
    ({"year": {"$gt": "a"}}, "3"),
    ({"year": {"$gt": 1980, "$lte": 1990}}, "46"),
    ({"year": 1990}, "46"),
    ({"year": {"$eq": 1990}}, "46"),
    ({"year": {"$gt": None}}, ""),
    ({"year": {"$lt": float("inf")}}, "146"),
    ({"year": {"$gt": float("nan")}}, ""),
    ({"missing": {"$gt": 1}}, ""),
    ({"missing": {"$ne": 1}}, ""),
    ({"sold": True}, "4"),
    ({"sold": 1}, "5"),
    ({"tags": ["a", "b"]}, "1"),
    ({"tags": ["a"]}, ""),
    ({"at": {"city": "Oslo"}}, "1"),
    ({"at": {"n": {"$gte": 1}}}, "1"),
    ({"at.city": "Oslo"}, "1"),
    ({"year": 2020, "text": "red apple"}, "1"),
    ({"it's": 1}, ""),
    ({}, "123456"),
]


@pytest_asyncio.fixture
async def store(home: Settings) -> AsyncIterator[HybridStore]:
    async with open_store(home) as store:
        yield store


@pytest_asyncio.fixture
async def shop(store: HybridStore) -> HybridStore:
    for key, value in SHOP.items():
        await store.aput(("shop",), key, value)
    return store


@pytest.mark.parametrize("query", [None, "red"])
async def test_a_filter_means_the_same_with_and_without_a_query(
    shop: HybridStore, query: str | None
) -> None:
    for conditions, expected in FILTERS:
        items = await shop.asearch(("shop",), query=query, filter=conditions)
        assert "".join(sorted(item.key for item in items)) == expected, conditions


@pytest.mark.parametrize("query", [None, "red"])
async def test_pages_of_a_filter_hold_each_item_once(shop: HybridStore, query: str | None) -> None:
    pages = [
        await shop.asearch(
            ("shop",), query=query, filter={"text": {"$ne": "x"}}, limit=4, offset=offset
        )
        for offset in (0, 4, 8)
    ]
    assert [len(page) for page in pages] == [4, 2, 0]
    assert len({item.key for page in pages for item in page}) == 6


BAD_FILTERS: list[Any] = [
    {"year": {"$in": [2020]}},
    {"year": {"$zz": 1}},
    {"at": {"n": {"$regex": "x"}}},
    {"year": {"$gt": 1, "other": 2}},
    {"year": object()},
    ["year"],
    "year",
]


@pytest.mark.parametrize("query", [None, "red"])
async def test_a_filter_that_cannot_be_followed_is_a_value_error(
    shop: HybridStore, query: str | None
) -> None:
    for conditions in BAD_FILTERS:
        with pytest.raises(ValueError, match=r"filter|operator"):
            await shop.asearch(("shop",), query=query, filter=conditions)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from("abc"), json_values),
    st.sampled_from("abc"),
    st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]),
    json_values,
)
def test_operators_over_any_value_raise_nothing_and_complement_each_other(
    value: dict[str, Any], key: str, operator: str, operand: Any
) -> None:
    matches = matches_filter(value, validate_filter({key: {operator: operand}}))
    if operator == "$ne":
        assert matches == (key in value and not matches_filter(value, {key: {"$eq": operand}}))
    if operator not in ("$eq", "$ne") and key not in value:
        assert not matches


search: Any = SearchOp
list_: Any = ListNamespacesOp
get: Any = GetOp
put: Any = PutOp
BAD_OPERATIONS: list[Any] = [
    search(("shop",), limit=-1),
    search(("shop",), offset=-1),
    search(("shop",), limit=True),
    search(("shop",), limit="3"),
    search(("shop",), query=3),
    search(("sh.op",)),
    search(("",)),
    list_(limit=-1),
    list_(max_depth=-1),
    get((), "key"),
    get(("shop",), ""),
    get(("shop",), "a\0b"),
    get(("shop",), 3),
    put(("shop", "x\0"), "key", {}),
    put(("shop",), "k" * 1_001, {}),
    put(("s" * 1_001,), "key", {}),
    put(("shop",), "\ud800", {}),
    put(("shop",), "key", ["no object"]),
    put(("shop",), "key", {}, index="text"),
    put(("shop",), "key", {}, index=[1]),
]


async def test_an_operation_that_cannot_be_done_is_a_value_error_and_nothing_is_done(
    shop: HybridStore,
) -> None:
    for op in BAD_OPERATIONS:
        with pytest.raises(ValueError, match=r"."):
            await shop.abatch([PutOp(("other",), "key", {"a": 1}), op])
        assert await shop.aget(("other",), "key") is None


async def test_large_counts_are_taken(shop: HybridStore) -> None:
    assert len(await shop.asearch(("shop",), limit=2**70)) == 6
    assert await shop.asearch(("shop",), offset=2**70) == []
    assert await shop.asearch(("shop",), limit=0) == []
    assert len(await shop.alist_namespaces(limit=2**70)) == 1


async def test_what_the_store_keeps_for_itself_is_hidden_and_safe(shop: HybridStore) -> None:
    token = await add_token(shop, "ada")
    with acting_as("ada"):
        space = await own_namespace(OwnedStore(shop), "diary")
    await shop.aput(space, "key", {"text": "Miriam lives in Lisbon"})
    assert await shop.alist_namespaces() == sorted([("shop",), space])
    assert await shop.alist_namespaces(limit=1) == [sorted([("shop",), space])[0]]
    assert await shop.alist_namespaces(prefix=(INTERNAL,)) == []
    assert await shop.alist_namespaces(max_depth=1, limit=1, offset=2) == []
    items = await shop.asearch((), limit=100)
    assert {item.namespace[0] for item in items} == {"shop", space[0]}
    for prefix in ((INTERNAL,), (INTERNAL, "tokens")):
        for query in (None, "secret ada"):
            assert await shop.asearch(prefix, query=query, limit=100) == []
        assert await shop.aget(prefix, "secret") is None
        with pytest.raises(AccessRefused):
            await shop.aput(prefix, "secret", {"secret": "00"})
        with pytest.raises(AccessRefused):
            await shop.adelete(prefix, "secret")
    assert await user_of_token(shop, token) == "ada"
    with acting_as("ada"):
        assert await own_namespace(OwnedStore(shop), "diary") == space


SYNC_CALLS: dict[str, Any] = {
    "get": lambda store, space: store.get(space, "k"),
    "put": lambda store, space: store.put(space, "k", {"text": "x"}),
    "search": lambda store, space: store.search(space, query="x"),
    "delete": lambda store, space: store.delete(space, "k"),
    "list_namespaces": lambda store, space: store.list_namespaces(prefix=space[:1]),
    "batch": lambda store, space: store.batch([GetOp(space, "k")]),
    "get_own_namespace": lambda store, space: get_own_namespace(store, "diary"),
}


async def test_a_sync_call_on_the_event_loop_raises_at_once(store: HybridStore) -> None:
    owned = OwnedStore(store)
    with acting_as("ada"):
        for name, call in SYNC_CALLS.items():
            for target in (owned, store) if name != "get_own_namespace" else (owned,):
                with pytest.raises(asyncio.InvalidStateError, match="await"):
                    call(target, ("a" * 32, "diary"))


@pytest.mark.parametrize("foreign", [True, False], ids=["foreign", "own"])
async def test_sync_calls_work_in_another_thread(store: HybridStore, foreign: bool) -> None:
    inner: BaseStore = InMemoryStore() if foreign else store
    owned = OwnedStore(inner)

    def keep() -> tuple[str, ...]:
        with acting_as("ada"):
            space = get_own_namespace(owned, "diary")
            owned.put(space, "k", {"text": "Miriam"})
            assert owned.get(space, "k") is not None
            return space

    space = await asyncio.to_thread(keep)
    with acting_as("ada"):
        assert await own_namespace(owned, "diary") == space
