"""Who is who goes with the memory: forks, undone turns, export, erasure, corrections."""

import io
from pathlib import Path

import pytest

from tests.erase.helpers import grep, id_of, say
from threadkeep import Settings, open_memory
from threadkeep.erase.plan import Target
from threadkeep.memory import Memory

ADA = "ada"
Triple = tuple[str, str, str]
SISTER = "My sister Miriam lives in Lisbon."
NICKNAME = "Mimi works at Initech."


async def triples(memory: Memory) -> set[Triple]:
    rows = await memory.facts(user_id=ADA)
    return {(row["subject"], row["predicate"], row["object"]) for row in rows}


async def aliases(memory: Memory, name: str) -> list[str]:
    rows = await memory.entities(user_id=ADA)
    return [alias for row in rows if row["name"] == name for alias in row["aliases"]]


@pytest.fixture
async def memory(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with open_memory(Settings(home=tmp_path)) as memory:
        await say(memory, ADA, "trip", SISTER, NICKNAME)
        yield memory


async def export(memory: Memory) -> bytes:
    return "".join([line async for line in memory.export(user_id=ADA)]).encode()


async def test_a_merge_goes_through_export_and_import(memory: Memory, tmp_path: Path) -> None:
    change = await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    before, file = await triples(memory), await export(memory)
    async with open_memory(Settings(home=tmp_path / "other")) as other:
        for _ in range(2):
            await other.restore(io.BytesIO(file), user_id=ADA)
            assert await triples(other) == before
        assert await other.entity_changes(user_id=ADA) == await memory.entity_changes(user_id=ADA)
        await other.undo_entity_change(change["id"], user_id=ADA)
        assert ("Mimi", "works at", "Initech") in await triples(other)


async def test_a_merge_holds_in_a_fork_and_an_undone_turn_takes_its_name_along(
    memory: Memory,
) -> None:
    await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    await memory.fork("trip", "fork", user_id=ADA)
    await say(memory, ADA, "fork", "Mimi lives in Porto.")
    assert ("Miriam", "lives in", "Porto") in await triples(memory)
    await memory.undo("fork", user_id=ADA)
    assert ("Miriam", "lives in", "Porto") not in await triples(memory)
    assert ("Miriam", "works at", "Initech") in await triples(memory)
    await say(memory, ADA, "names", "My name is Jana.")
    await say(memory, ADA, "later", "Jana lives in Graz.")
    assert ("user", "lives in", "Graz") in await triples(memory)
    await memory.undo("names", user_id=ADA)
    assert ("Jana", "lives in", "Graz") in await triples(memory)


async def test_an_entity_is_forgotten_with_its_other_names(memory: Memory) -> None:
    await say(memory, ADA, "trip", "I live in Bergen.")
    await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    (row,) = [row for row in await memory.entities(user_id=ADA) if row["name"] == "Miriam"]
    receipt = await memory.forget(Target(kind="entity", name=row["id"]), verify=True, user_id=ADA)
    assert receipt.clean, receipt.found
    text = (await export(memory)).decode()
    assert "Mimi" not in text
    assert "Miriam" not in text
    assert "Bergen" in text
    assert await memory.entity_changes(user_id=ADA) == []
    assert grep(memory.settings.home, "Mimi") == []


async def test_a_merge_is_forgotten_with_the_last_message_of_its_name(memory: Memory) -> None:
    await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    message = await id_of(memory, NICKNAME)
    await memory.forget(Target(kind="message", name=message), user_id=ADA)
    assert "Mimi" not in (await export(memory)).decode()
    assert ("Miriam", "lives in", "Lisbon") in await triples(memory)
    assert await aliases(memory, "Miriam") == []


async def test_what_was_forgotten_does_not_come_back_as_a_name(memory: Memory) -> None:
    await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    file = await export(memory)
    await memory.forget(Target(kind="thread", name="trip"), user_id=ADA)
    await memory.restore(io.BytesIO(file), user_id=ADA)
    assert "Mimi" not in (await export(memory)).decode()


async def test_a_correction_follows_the_names(memory: Memory) -> None:
    (fact,) = [row for row in await memory.facts(user_id=ADA) if row["predicate"] == "works at"]
    await memory.correct(fact["id"], "Zeiss", user_id=ADA)
    assert ("Mimi", "works at", "Zeiss") in await triples(memory)
    before = await memory.facts(user_id=ADA, history=True)
    change = await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    jobs = {triple for triple in await triples(memory) if triple[1] == "works at"}
    assert jobs == {("Miriam", "works at", "Zeiss")}
    await memory.undo_entity_change(change["id"], user_id=ADA)
    assert await memory.facts(user_id=ADA, history=True) == before
    again = await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    (fact,) = [row for row in await memory.facts(user_id=ADA) if row["object"] == "Lisbon"]
    await memory.correct(fact["id"], "Porto", user_id=ADA)
    await memory.undo_entity_change(again["id"], user_id=ADA)
    assert ("Miriam", "lives in", "Porto") in await triples(memory)
    assert ("Mimi", "works at", "Zeiss") in await triples(memory)


async def test_a_forgotten_fact_is_not_learned_again_under_another_name(memory: Memory) -> None:
    await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    (fact,) = [row for row in await memory.facts(user_id=ADA) if row["object"] == "Initech"]
    target = Target(kind="fact", name=fact["id"], keep_messages=True)
    await memory.forget(target, user_id=ADA)
    await say(memory, ADA, "later", NICKNAME, "Miriam works at Initech.")
    assert "Initech" not in {object_ for _, _, object_ in await triples(memory)}


async def test_facts_are_listed_as_of_a_time_of_statements(memory: Memory) -> None:
    await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    before = min(row["recorded_at"] for row in await memory.facts(user_id=ADA))
    rows = await memory.facts(told_by=before, about="Miriam", user_id=ADA)
    assert {row["object"] for row in rows} <= {"Miriam", "Lisbon"}


async def test_a_pin_follows_the_names(memory: Memory) -> None:
    (fact,) = [row for row in await memory.facts(user_id=ADA) if row["object"] == "Initech"]
    (row,) = [row for row in await memory.entities(user_id=ADA) if row["name"] == "Mimi"]
    for memory_id in (fact["id"], row["id"]):
        await memory.pin(memory_id, user_id=ADA)
    before = await memory.pins(user_id=ADA)
    change = await memory.merge_entities("Miriam", "Mimi", user_id=ADA)
    texts = [pin["text"] for pin in await memory.pins(user_id=ADA)]
    assert texts[0] == "Miriam works at Initech"
    assert texts[1].startswith("Miriam, also called Mimi")
    await memory.undo_entity_change(change["id"], user_id=ADA)
    assert (await memory.pins(user_id=ADA))[0] == before[0]
