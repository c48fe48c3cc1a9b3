"""Entities and facts are what the messages that count have taught, whatever came and went."""

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


def noted(said: Sequence[str], left_out: frozenset[int] = frozenset()) -> list[Note]:
    return [
        Note(
            message=f"m{number}",
            thread=f"t{number % 3}",
            time=(BEGUN + timedelta(minutes=number)).isoformat(),
            extraction=extract(text, speaker="user", written_at=BEGUN + timedelta(minutes=number)),
            written_at="2026-03-04T10:00:00+00:00",
        )
        for number, text in enumerate(said)
        if number not in left_out
    ]


async def heard(notes: Sequence[Note]) -> BaseStore:
    store = InMemoryStore()
    for note in notes:
        await merge_notes(store, "ada", [note])
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
        assert await rebuild_knowledge(store, "ada") == 0
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
        await rebuild_knowledge(store, "ada")
        assert await known(store) == await known(await heard(noted(said, forgotten)))
        assert await rebuild_knowledge(store, "ada") == 0

    asyncio.run(check())


@given(lists, st.lists(st.tuples(st.integers(0, 29), st.sampled_from(["Rome", "red"])), max_size=4))
def test_corrections_are_made_again_with_the_facts_and_come_in_between_what_was_said(
    said: list[str], corrections: list[tuple[int, str]]
) -> None:
    """Turn by turn, with corrections at any time, comes what notes and corrections make."""

    async def check() -> None:
        store = InMemoryStore()
        due = dict(corrections)
        for number, note in enumerate(noted(said)):
            await merge_notes(store, "ada", [note])
            facts = await store.asearch(facts_of("ada"), limit=1_000)
            holding = sorted(
                (i for i in facts if not i.value["superseded_by"]), key=lambda i: i.key
            )
            if number in due and holding:
                item = holding[number % len(holding)]
                stated = restate(item.value, due[number])
                # Half a minute after it was said, and before the next message.
                at = (BEGUN + timedelta(minutes=number, seconds=30)).isoformat()
                await store.abatch([Correction(fact=item.key, stated=stated, at=at).put_op("ada")])
                await rebuild_knowledge(store, "ada")
                (old,) = [
                    i
                    for i in await store.asearch(facts_of("ada"), limit=1_000)
                    if i.key == item.key
                ]
                assert stated.sentence == item.value["text"] or old.value["corrected_at"] == at
        before = await known(store)
        assert await rebuild_knowledge(store, "ada") == 0
        assert await known(store) == before

    asyncio.run(check())


@pytest.mark.parametrize(
    ("value", "text", "sentence"),
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
def test_a_correction_is_a_sentence_or_the_object_alone(
    value: tuple[str, str, str, str | None], text: str, sentence: str
) -> None:
    subject, predicate, object_, since = value
    told = {"subject": subject, "predicate": predicate, "object": object_, "valid_from": since}
    assert restate(told | {"recorded_at": BEGUN.isoformat()}, text).sentence == sentence
