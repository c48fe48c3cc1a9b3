"""Of a finished turn the state after it stays; undo and forks work as with all its states."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.backends import BACKENDS, fresh_database
from threadkeep import open_memory
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.checkpoints.erasing import raw_values_of
from threadkeep.checkpoints.pruning import Step, thin_turns
from threadkeep.memory import Memory

TURNS = 6


async def say(memory: Memory, text: str, thread: str = "trip") -> None:
    await (await memory.say(text, thread=thread, user_id="ada")).finished()


async def states(memory: Memory) -> list[Any]:
    config = (await memory.thread("trip", user_id="ada")).config()
    return [state async for state in memory.graph.aget_state_history(config)]


@pytest.mark.parametrize("kind", BACKENDS)
async def test_undo_and_forks_go_back_to_every_finished_turn(kind: str, tmp_path: Path) -> None:
    async with (
        fresh_database(kind) as url,
        open_memory(Settings(home=tmp_path, checkpoints=parse_database(url))) as memory,
    ):
        for number in range(TURNS):
            await say(memory, f"Zebra number {number} is here.")
        all_states = await states(memory)
        finished = [state for state in all_states if not state.next]
        assert [len(state.values["messages"]) for state in finished] == [12, 10, 8, 6, 4, 2]
        newest_turn = next(
            n for n, state in enumerate(all_states) if state.metadata["source"] == "input"
        )
        assert len(all_states) == newest_turn + TURNS, "a finished turn has one state"
        ids = {state.config["configurable"]["checkpoint_id"] for state in all_states}
        parents = [state.parent_config for state in all_states]
        assert {p["configurable"]["checkpoint_id"] for p in parents if p} < ids
        await memory.fork("trip", "copy", 2, user_id="ada")
        assert await memory.undo("copy", 2, user_id="ada") == [
            "Zebra number 0 is here.",
            "Zebra number 1 is here.",
        ]
        for number in range(TURNS - 1, 2, -1):
            assert await memory.undo("trip", user_id="ada") == [f"Zebra number {number} is here."]
        await say(memory, "Another zebra.")
        assert await memory.undo("trip", 3, user_id="ada") == [
            "Zebra number 1 is here.",
            "Zebra number 2 is here.",
            "Another zebra.",
        ]


async def test_erasure_reads_the_words_of_compressed_states(tmp_path: Path) -> None:
    async with open_memory(Settings(home=tmp_path)) as memory:
        for number in range(3):
            await say(memory, f"Zebra number {number} is here.")
        thread = (await memory.thread("trip", user_id="ada")).id
        values = [value async for value in raw_values_of(memory.opened.inner_saver, thread)]
    database = (tmp_path / "threadkeep.sqlite").read_bytes()
    assert b"msgpack+zlib" in database
    assert sum(b"Zebra number 0" in value for value in values) >= TURNS


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Turns of two to four states, each of which goes on from any finished turn before."""
    steps: list[Step] = []
    ends: list[Step] = []
    for _ in range(draw(st.integers(1, 8))):
        parent = draw(st.sampled_from(ends[-3:])) if ends else None
        number = parent.step + 1 if parent and parent.step is not None else -1
        for offset in range(draw(st.integers(2, 4))):
            source = "loop" if offset else "input"
            above = parent.id if parent else None
            parent = Step(f"{len(steps):04}", above, source, number + offset)
            steps.append(parent)
        ends.append(parent)  # type: ignore[arg-type]
    return steps


def turns_before(step: Step | None, by_id: dict[str, Step], ends: set[str]) -> Iterator[str]:
    while step is not None:
        if step.id in ends:
            yield step.id
        step = by_id.get(step.parent or "")


@given(histories(), st.integers(1, 3))
def test_every_finished_turn_can_be_reached_as_before(steps: list[Step], whole: int) -> None:
    thinning = thin_turns(steps, whole)
    followed = {step.parent for step in steps if step.source == "input"}
    goes_on = {step.parent for step in steps if step.source == "loop"}
    ends = {step.id for step in steps if step.id in followed or step.id not in goes_on}
    assert not ends & set(thinning.removed)
    after = [
        step._replace(parent=thinning.parents.get(step.id, step.parent))
        for step in steps
        if step.id not in thinning.removed
    ]
    by_id, by_id_after = ({step.id: step for step in some} for some in (steps, after))
    for end in ends:
        assert list(turns_before(by_id[end], by_id, ends)) == list(
            turns_before(by_id_after[end], by_id_after, ends)
        )
    assert thin_turns(after, whole).removed == [], "thinning twice changes nothing"
    inputs = sorted(step.id for step in steps if step.source == "input")
    older = [step.id for step in after if len(inputs) > whole and step.id < inputs[-whole]]
    assert set(older) <= ends
