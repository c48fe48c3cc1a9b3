"""Entities and facts are exactly what the notes of active messages state."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from threadkeep.extract.rules import extract
from threadkeep.knowledge.fact_corrections import Correction, restate
from threadkeep.knowledge.merge import merge_notes
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.stores.namespaces import entities_of, facts_of, notes_of

TEXTS = (
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
START = datetime(2026, 3, 4, 9, tzinfo=UTC)
TEXT_LISTS = st.lists(st.sampled_from(TEXTS), max_size=30)


def notes_of_texts(
    texts: Sequence[str], omitted_numbers: frozenset[int] = frozenset()
) -> list[Note]:
    return [
        Note(
            message=f"m{number}",
            thread=f"t{number % 3}",
            time=(START + timedelta(minutes=number)).isoformat(),
            extraction=extract(text, speaker="user", written_at=START + timedelta(minutes=number)),
            written_at="2026-03-04T10:00:00+00:00",
        )
        for number, text in enumerate(texts)
        if number not in omitted_numbers
    ]


async def store_with_notes(notes: Sequence[Note]) -> BaseStore:
    store = InMemoryStore()
    for note in notes:
        await merge_notes(store, "ada", [note])
    return store


async def knowledge_in(store: BaseStore) -> dict[tuple[Any, ...], dict[str, Any]]:
    items = [
        item
        for namespace in (entities_of("ada"), facts_of("ada"))
        for item in await store.asearch(namespace, limit=10_000)
    ]
    return {(item.namespace, item.key): item.value for item in items}


@given(TEXT_LISTS)
def test_a_rebuild_gives_the_same_knowledge_as_merging_turn_by_turn(texts: list[str]) -> None:
    async def check() -> None:
        store = await store_with_notes(notes_of_texts(texts))
        before = await knowledge_in(store)
        assert await rebuild_knowledge(store, "ada") == 0
        assert await knowledge_in(store) == before

    asyncio.run(check())


@given(TEXT_LISTS, st.frozensets(st.integers(0, 29)))
def test_a_rebuild_leaves_no_trace_of_a_deleted_note(
    texts: list[str], deleted_numbers: frozenset[int]
) -> None:
    async def check() -> None:
        store = await store_with_notes(notes_of_texts(texts))
        for number in deleted_numbers:
            await store.adelete(notes_of("ada", f"t{number % 3}"), f"m{number}")
        await rebuild_knowledge(store, "ada")
        assert await knowledge_in(store) == await knowledge_in(
            await store_with_notes(notes_of_texts(texts, deleted_numbers))
        )
        assert await rebuild_knowledge(store, "ada") == 0

    asyncio.run(check())


@given(
    TEXT_LISTS,
    st.lists(st.tuples(st.integers(0, 29), st.sampled_from(["Rome", "red"])), max_size=4),
)
def test_a_rebuild_replays_corrections_in_order_of_time(
    texts: list[str], corrections: list[tuple[int, str]]
) -> None:
    """Corrections at any time give the same facts turn by turn and by a rebuild."""

    async def check() -> None:
        store = InMemoryStore()
        text_by_number = dict(corrections)
        for number, note in enumerate(notes_of_texts(texts)):
            await merge_notes(store, "ada", [note])
            facts = await store.asearch(facts_of("ada"), limit=1_000)
            current_facts = sorted(
                (item for item in facts if not item.value["superseded_by"]),
                key=lambda item: item.key,
            )
            if number in text_by_number and current_facts:
                item = current_facts[number % len(current_facts)]
                statement = restate(item.value, text_by_number[number])
                # Half a minute after the message and half a minute before the next one.
                corrected_at = (START + timedelta(minutes=number, seconds=30)).isoformat()
                await store.abatch(
                    [Correction(fact=item.key, stated=statement, at=corrected_at).put_op("ada")]
                )
                await rebuild_knowledge(store, "ada")
                (old_fact,) = [
                    fact
                    for fact in await store.asearch(facts_of("ada"), limit=1_000)
                    if fact.key == item.key
                ]
                assert (
                    statement.sentence == item.value["text"]
                    or old_fact.value["corrected_at"] == corrected_at
                )
        before = await knowledge_in(store)
        assert await rebuild_knowledge(store, "ada") == 0
        assert await knowledge_in(store) == before

    asyncio.run(check())


@pytest.mark.parametrize(
    ("fact", "text", "sentence"),
    [
        (("user", "lives in", "Bergen", None), "Oslo", "user lives in Oslo"),
        (("user", "lives in", "Bergen", None), "I live in Oslo.", "user lives in Oslo"),
        (("user", "lives in", "Bergen", None), "You live in Oslo", "user lives in Oslo"),
        (("user", "lives in", "Bergen", "2024"), "Oslo", "user lives in Oslo (since 2024)"),
        (
            ("user", "lives in", "Bergen", "2024"),
            "user lives in Bergen (since 2025-03)",
            "user lives in Bergen (since 2025-03)",
        ),
        (("user", "sister", "Miriam", None), "user's sister is Mara", "user's sister is Mara"),
        (("Miriam", "keeps", "two parrots", None), "three parrots", "Miriam keeps three parrots"),
        (
            ("Miriam", "keeps", "two parrots", None),
            "Miriam fosters two kittens",
            "Miriam fosters two kittens",
        ),
    ],
)
def test_a_correction_is_a_whole_sentence_or_only_the_object(
    fact: tuple[str, str, str, str | None], text: str, sentence: str
) -> None:
    subject, predicate, object_, since = fact
    record = {"subject": subject, "predicate": predicate, "object": object_, "valid_from": since}
    assert restate(record | {"recorded_at": START.isoformat()}, text).sentence == sentence
