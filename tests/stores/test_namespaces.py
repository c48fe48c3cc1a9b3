from inspect import signature

from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.memory import InMemoryStore

from threadkeep.stores import namespaces
from threadkeep.stores.namespaces import (
    RESERVED,
    entity_key,
    fact_key,
    messages_of,
    thread_id,
    user_key,
)


@given(st.text(), st.text())
async def test_two_users_never_share_a_key_and_two_stores_never_share_a_user(
    user_id: str, other_user_id: str
) -> None:
    store, other_store = InMemoryStore(), InMemoryStore()
    key = await user_key(store, user_id)
    assert key == await user_key(store, user_id)
    assert key != await user_key(other_store, user_id)
    assert key.isalnum()
    if user_id != other_user_id:
        assert (key == await user_key(store, other_user_id)) == _equal_after_nfc(
            user_id, other_user_id
        )


@given(st.text(), st.text())
def test_threads_of_the_same_name_differ_by_user(name: str, other_name: str) -> None:
    assert thread_id("a", name) != thread_id("b", name)
    assert (thread_id("a", name) == thread_id("a", other_name)) == _equal_after_nfc(
        name, other_name
    )
    assert "." not in "".join(messages_of("a", thread_id("a", name)))


def test_an_entity_key_ignores_case_and_spacing() -> None:
    assert entity_key("Miriam  Baker") == entity_key("miriam baker")
    assert fact_key("user", "lives in", "Oslo") != fact_key("user lives", "in", "Oslo")


def _equal_after_nfc(one: str, other: str) -> bool:
    from unicodedata import normalize

    return normalize("NFC", one) == normalize("NFC", other)


def test_every_namespace_label_is_reserved() -> None:
    functions = [function for name, function in vars(namespaces).items() if name.endswith("_of")]
    results = [
        function("user", *["thread"] * (len(signature(function).parameters) - 1))
        for function in functions
    ]
    assert {namespace[1] for namespace in results} == RESERVED
