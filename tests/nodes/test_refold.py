"""Entities and facts are what the messages that count have taught, whatever came and went."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from chat_models.rules import extract
from nodes.merge_entities import Noted, merge
from nodes.refold import refold
from stores.namespaces import entities_of, facts_of, notes_of

SAID = (
    "I live in Bergen.",
    "I moved to Oslo.",
    "My sister Miriam moved to Lisbon in March and keeps two parrots.",
    "Miriam works at Initech.",
    "I work at Initech.",
    "My favourite colour is green.",
    "My favourite colour is blue.",
    "Tom is my brother.",
    "Tom adopted a dog.",
    "My email is ada@example.org.",
    "Nothing to see here.",
)
BEGUN = datetime(2026, 3, 4, 9, tzinfo=UTC)
lists = st.lists(st.sampled_from(SAID), max_size=30)


def noted(said: Sequence[str], left_out: frozenset[int] = frozenset()) -> list[Noted]:
    return [
        Noted(
            message=f"m{number}",
            thread=f"t{number % 3}",
            said_at=(BEGUN + timedelta(minutes=number)).isoformat(),
            extraction=extract(text, speaker="user", said_at=BEGUN + timedelta(minutes=number)),
            written_at="2026-03-04T10:00:00+00:00",
        )
        for number, text in enumerate(said)
        if number not in left_out
    ]


async def heard(notes: Sequence[Noted]) -> BaseStore:
    store = InMemoryStore()
    for note in notes:
        await merge(store, "ada", [note])
    return store


async def known(store: BaseStore) -> dict[tuple[Any, ...], dict[str, Any]]:
    items = [
        item
        for namespace in (entities_of("ada"), facts_of("ada"))
        for item in await store.asearch(namespace, limit=10_000)
    ]
    return {(item.namespace, item.key): item.value for item in items}


@given(lists)
def test_what_was_learned_turn_by_turn_is_what_the_notes_make(said: list[str]) -> None:
    async def check() -> None:
        store = await heard(noted(said))
        before = await known(store)
        assert await refold(store, "ada") == 0
        assert await known(store) == before

    asyncio.run(check())


@given(lists, st.frozensets(st.integers(0, 29)))
def test_without_a_message_it_is_as_if_that_was_never_said(
    said: list[str], forgotten: frozenset[int]
) -> None:
    async def check() -> None:
        store = await heard(noted(said))
        for number in forgotten:
            await store.adelete(notes_of("ada", f"t{number % 3}"), f"m{number}")
        await refold(store, "ada")
        assert await known(store) == await known(await heard(noted(said, forgotten)))
        assert await refold(store, "ada") == 0

    asyncio.run(check())
