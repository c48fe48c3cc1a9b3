"""Who is who: aliases, the user's own name, relations, and merges that can be undone."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from threadkeep.base.errors import BadInput
from threadkeep.extract.extraction import Entity, Extraction, Fact
from threadkeep.knowledge.fact_listing import list_facts
from threadkeep.knowledge.identity_changes import (
    list_changes,
    merge_entities,
    split_entity,
    undo_identity,
)
from threadkeep.knowledge.merge import merge_notes
from threadkeep.knowledge.notes import Note
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.stores.namespaces import aliases_of, entities_of, facts_of

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
Triple = tuple[str, str, str]
ADA = "ada"


def note_of(number: int, *triples: Triple, entities: Sequence[Entity] = ()) -> Note:
    facts = [Fact(subject=s, predicate=p, object=o) for s, p, o in triples]
    return Note(
        message=f"m{number}",
        thread="t",
        time=(START + timedelta(minutes=number)).isoformat(),
        extraction=Extraction(facts=facts, entities=list(entities)),
        written_at=START.isoformat(),
    )


async def store_of(*notes: Note) -> BaseStore:
    store = InMemoryStore()
    for note in notes:
        await merge_notes(store, ADA, [note])
    return store


async def store_with(*statements: Triple) -> BaseStore:
    return await store_of(*(note_of(number, triple) for number, triple in enumerate(statements)))


async def triples_in(store: BaseStore) -> set[Triple]:
    rows = await list_facts(store, ADA, 1_000)
    return {(row["subject"], row["predicate"], row["object"]) for row in rows}


async def knowledge_in(store: BaseStore) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {
        (item.namespace, item.key): item.value
        for namespace in (entities_of(ADA), facts_of(ADA), aliases_of(ADA))
        for item in await store.asearch(namespace, limit=10_000)
    }


async def entity(store: BaseStore, name: str) -> dict[str, Any]:
    items = await store.asearch(entities_of(ADA), limit=1_000)
    (value,) = [item.value for item in items if item.value["name"] == name]
    return value


@pytest.mark.parametrize("first", [True, False])
async def test_a_nickname_is_the_same_entity_in_any_order(first: bool) -> None:
    statements: list[Triple] = [
        ("Mimi", "keeps", "two parrots"),
        ("Miriam", "lives in", "Lisbon"),
        ("user", "sister", "Miriam"),
    ]
    alias: Triple = ("Miriam", "nickname", "Mimi")
    store = await store_with(*([alias, *statements] if first else [*statements, alias]))
    assert await triples_in(store) == {
        ("user", "sister", "Miriam"),
        ("Miriam", "is also called", "Mimi"),
        ("Miriam", "keeps", "two parrots"),
        ("Miriam", "lives in", "Lisbon"),
    }
    miriam = await entity(store, "Miriam")
    assert (miriam["aliases"], miriam["relation"]) == (["Mimi"], "sister")
    assert miriam["mentions"] >= 3


async def test_a_short_form_is_another_name_of_the_long_one() -> None:
    store = await store_with(("Bob", "lives in", "Kiel"), ("Bob", "is short for", "Robert"))
    assert ("Robert", "lives in", "Kiel") in await triples_in(store)
    assert ("Robert", "is also called", "Bob") in await triples_in(store)


async def test_the_user_and_the_users_own_name_are_one() -> None:
    store = await store_with(
        ("Jana", "lives in", "Graz"),
        ("user", "is named", "Jana"),
        ("Jana", "brother", "Emil"),
        ("user", "works at", "Voltaic"),
    )
    assert await triples_in(store) == {
        ("user", "lives in", "Graz"),
        ("user", "is named", "Jana"),
        ("user", "brother", "Emil"),
        ("user", "works at", "Voltaic"),
    }
    assert (await entity(store, "user"))["aliases"] == ["Jana"]
    about = await list_facts(store, ADA, 10, about="jana")
    assert len(about) == 4


async def test_a_friend_with_the_users_name_is_somebody_else() -> None:
    store = await store_of(
        note_of(0, ("user", "is named", "Jana")),
        note_of(1, ("user", "friend", "Jana"), ("Jana", "lives in", "Graz")),
    )
    assert ("Jana (friend)", "lives in", "Graz") in await triples_in(store)
    assert ("user", "lives in", "Graz") not in await triples_in(store)


async def test_somebody_called_florence_may_live_in_florence() -> None:
    florence = Entity(name="Florence", type="place")
    store = await store_of(
        note_of(0, ("user", "is named", "Florence")),
        note_of(1, ("user", "lives in", "Florence")),
        note_of(2, ("Emil", "lives in", "Florence"), entities=[florence]),
    )
    assert {("user", "lives in", "Florence"), ("Emil", "lives in", "Florence")} <= (
        await triples_in(store)
    )


async def test_the_only_sister_is_my_sister_and_two_are_not() -> None:
    statements: list[Triple] = [
        ("user's sister", "lives in", "Lisbon"),
        ("user", "sister", "Miriam"),
        ("user's sister", "works at", "Initech"),
    ]
    assert {("Miriam", "lives in", "Lisbon"), ("Miriam", "works at", "Initech")} <= (
        await triples_in(await store_with(*statements))
    )
    store = await store_with(*statements, ("user", "sister", "Ruth"))
    assert ("user's sister", "lives in", "Lisbon") in await triples_in(store)


async def test_two_relations_of_one_name_are_two_people_and_one_family_is_one() -> None:
    store = await store_of(
        note_of(0, ("user", "boss", "Clara"), ("Clara", "lives in", "Kiel")),
        note_of(1, ("user", "aunt", "Clara"), ("Clara", "lives in", "Bonn")),
        note_of(2, ("user", "girlfriend", "Ines"), ("Ines", "lives in", "Vigo")),
        note_of(3, ("user", "wife", "Ines"), ("Ines", "works at", "Zeiss")),
    )
    triples = await triples_in(store)
    assert {("Clara", "lives in", "Kiel"), ("Clara (aunt)", "lives in", "Bonn")} <= triples
    assert {("Ines", "lives in", "Vigo"), ("Ines", "works at", "Zeiss")} <= triples


async def test_a_nickname_joins_nobody_who_has_another_relation() -> None:
    store = await store_with(
        ("user", "aunt", "Mimi"), ("user", "sister", "Miriam"), ("Miriam", "nickname", "Mimi")
    )
    assert {("user", "aunt", "Mimi"), ("user", "sister", "Miriam")} <= await triples_in(store)


async def test_one_nickname_of_two_people_makes_them_no_one() -> None:
    store = await store_with(
        ("Miriam", "nickname", "Mimi"),
        ("Michaela", "nickname", "Mimi"),
        ("Mimi", "sings in", "a choir"),
    )
    triples = await triples_in(store)
    assert ("Miriam", "sings in", "a choir") in triples
    assert ("Michaela", "is also called", "Mimi") in triples


async def test_a_word_that_is_no_name_is_no_alias() -> None:
    store = await store_with(("user", "is called", "sweet"), ("Emil", "likes", "sweet"))
    assert ("Emil", "likes", "sweet") in await triples_in(store)


async def test_a_user_merges_splits_and_undoes() -> None:
    store = await store_with(
        ("Miriam", "lives in", "Lisbon"),
        ("Mimi", "works at", "Initech"),
        ("user", "sister", "Mimi"),
    )
    before = await knowledge_in(store)
    change = await merge_entities(store, ADA, "Miriam", "Mimi")
    assert {("Miriam", "works at", "Initech"), ("user", "sister", "Miriam")} <= (
        await triples_in(store)
    )
    assert (await entity(store, "Miriam"))["aliases"] == ["Mimi"]
    with pytest.raises(BadInput, match="are one already"):
        await merge_entities(store, ADA, "Mimi", "Miriam")
    undo = await undo_identity(store, ADA, change["id"][:8])
    assert await knowledge_in(store) == before
    with pytest.raises(BadInput, match="undone already"):
        await undo_identity(store, ADA, change["id"])
    await undo_identity(store, ADA, undo["id"])
    await split_entity(store, ADA, "Mimi", None, [])
    assert await knowledge_in(store) == before
    assert [row["kind"] for row in await list_changes(store, ADA)] == [
        *("merge", "undo", "undo", "split")
    ]


async def test_whom_the_user_merges_is_one_whatever_the_relations() -> None:
    statements: list[Triple] = [
        ("user", "boss", "Clara"),
        ("user", "neighbour", "Clara"),
        ("user", "aunt", "Mimi"),
        ("user", "sister", "Miriam"),
    ]
    store = await store_with(*statements)
    before = await knowledge_in(store)
    assert ("user", "neighbour", "Clara (neighbour)") in await triples_in(store)
    changes = [
        await merge_entities(store, ADA, "Clara", "Clara (neighbour)"),
        await merge_entities(store, ADA, "Miriam", "Mimi"),
    ]
    assert await triples_in(store) == {
        ("user", "boss", "Clara"),
        ("user", "neighbour", "Clara"),
        ("user", "aunt", "Miriam"),
        ("user", "sister", "Miriam"),
    }
    for change in changes:
        await undo_identity(store, ADA, change["id"])
    assert await knowledge_in(store) == before


async def test_two_people_of_one_name_are_distinguished_by_messages() -> None:
    store = await store_with(("Anna", "lives in", "Kiel"), ("Anna", "works at", "Zeiss"))
    before = await knowledge_in(store)
    change = await split_entity(store, ADA, "Anna", "Anna Berg", ["m1"])
    assert await triples_in(store) == {
        ("Anna", "lives in", "Kiel"),
        ("Anna Berg", "works at", "Zeiss"),
    }
    await undo_identity(store, ADA, change["id"])
    assert await knowledge_in(store) == before


@pytest.mark.parametrize(
    ("name", "new", "messages", "words"),
    [
        ("Anna", None, [], "is no other name of anybody"),
        ("Anna", "Anna Berg", [], "write both"),
        ("Anna", "anna", ["m0"], "is the same name"),
        ("Anna", "Anna Berg", ["m7"], "There is no id 'm7'"),
        (" ", None, [], "The name is empty"),
    ],
)
async def test_a_split_that_cannot_be_is_a_sentence(
    name: str, new: str | None, messages: list[str], words: str
) -> None:
    store = await store_with(("Anna", "lives in", "Kiel"))
    with pytest.raises(BadInput, match=words):
        await split_entity(store, ADA, name, new, messages)
    with pytest.raises(BadInput, match="Nothing is known of 'Zoe'"):
        await merge_entities(store, ADA, "Zoe", "Anna")


TRIPLES: list[Triple] = [
    ("user", "is named", "Jana"),
    ("Jana", "lives in", "Graz"),
    ("user", "sister", "Miriam"),
    ("user", "aunt", "Miriam"),
    ("user", "sister", "Ruth"),
    ("user's sister", "keeps", "two parrots"),
    ("Miriam", "nickname", "Mimi"),
    ("Mimi", "works at", "Initech"),
    ("Mimi", "short for", "Michaela"),
    ("Michaela", "married to", "Bob"),
    ("Bob", "short for", "Robert"),
    ("Robert", "lives in", "Kiel"),
]
statement_lists = st.lists(st.sampled_from(TRIPLES), min_size=1, max_size=12)
pairs = st.lists(
    st.tuples(*2 * [st.sampled_from(["Miriam", "Mimi", "Ruth", "Bob", "Robert", "Michaela"])]),
    max_size=3,
)


@settings(max_examples=60)
@given(statement_lists)
def test_merging_turn_by_turn_is_merging_all_anew(triples: list[Triple]) -> None:
    async def check() -> None:
        store = await store_with(*triples)
        before = await knowledge_in(store)
        assert await rebuild_knowledge(store, ADA) == 0
        assert await knowledge_in(store) == before

    asyncio.run(check())


@settings(max_examples=60)
@given(statement_lists, pairs)
def test_undone_merges_restore_exactly(
    triples: list[Triple], merges: list[tuple[str, str]]
) -> None:
    async def check() -> None:
        store = await store_with(*triples)
        before = await knowledge_in(store)
        changes = []
        for name, other in merges:
            try:
                changes.append(await merge_entities(store, ADA, name, other))
            except BadInput:
                continue
        assert await rebuild_knowledge(store, ADA) == 0
        for change in changes:
            await undo_identity(store, ADA, change["id"])
        assert await knowledge_in(store) == before

    asyncio.run(check())


async def test_names_in_the_data_of_an_earlier_version_are_read_with_the_next_note() -> None:
    statements: list[Triple] = [("user", "is named", "Jana"), ("Jana", "lives in", "Graz")]
    store = await store_with(*statements)
    whole = await triples_in(store)
    for namespace in (aliases_of(ADA), entities_of(ADA), facts_of(ADA)):
        for item in await store.asearch(namespace, limit=100):
            await store.adelete(namespace, item.key)
    await merge_notes(store, ADA, [note_of(2, ("Jana", "works at", "Voltaic"))])
    assert await triples_in(store) == {*whole, ("user", "works at", "Voltaic")}


DATED: list[tuple[Triple, str]] = [
    (("Miriam", "lives in", "Lisbon"), "2019"),
    (("Mimi", "moved to", "Porto"), "2021-04"),
    (("Miriam", "lives in", "Lisbon"), "2023-06-01"),
    (("Miriam", "works at", "Initech"), "2018"),
    (("Mimi", "left", "Initech"), "2022"),
    (("user", "phone work", "0555 201"), "2020"),
    (("user", "work phone number", "0555 778"), "2022"),
    (("user", "favourite tea", "Assam"), "2020"),
    (("user", "favorite tea", "Darjeeling"), "2021"),
    (("user", "collects", "stamps"), "2001"),
    (("user", "collects", "coins"), "2011"),
]


@settings(max_examples=60)
@given(st.permutations(DATED))
def test_any_order_of_the_same_dated_claims_gives_the_same_facts(
    claims: list[tuple[Triple, str]],
) -> None:
    async def rows_of(ordered: Sequence[tuple[Triple, str]]) -> list[tuple[Any, ...]]:
        store = await store_of(note_of(0, ("Miriam", "nickname", "Mimi")))
        for number, ((subject, predicate, object_), date) in enumerate(ordered, 1):
            fact = Fact(subject=subject, predicate=predicate, object=object_, valid_from=date)
            note = Note(
                message=f"m{number}",
                thread="t",
                time=f"2026-03-0{1 + number % 9}T09:00:00+00:00",
                extraction=Extraction(facts=[fact]),
            )
            await merge_notes(store, ADA, [note])
        rows = await list_facts(store, ADA, 1_000, history=True)
        for row in rows:
            assert all(one["to"] is None or one["from"] < one["to"] for one in row["intervals"])
        spans = [[(i["from"], i["to"]) for i in row["intervals"]] for row in rows]
        keys = ("subject", "predicate", "object", "status")
        return sorted(
            (*(row[key] for key in keys), span) for row, span in zip(rows, spans, strict=True)
        )

    async def check() -> None:
        assert await rows_of(claims) == await rows_of(DATED)

    asyncio.run(check())
