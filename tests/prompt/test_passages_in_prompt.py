"""Of a long message the prompt shows the passage that helps; all else speaks of the message."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from threadkeep import Memory, Settings, acting_as, open_memory
from threadkeep.erase.plan import Target
from threadkeep.search.passages import OMISSION
from threadkeep.testing import ScriptedChatModel

FILLER = "The committee talked about chairs, plants and the colour of the corridor. "
SECRET = "The heron sanctuary opens on 9 August."
DOCUMENT = f"{FILLER * 30}\n\n{FILLER}{SECRET} {FILLER}\n\n{FILLER * 30}"
CONTEXT = {"memory": "vector"}
QUESTION = "When does the heron sanctuary open?"


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    """A memory whose thread "minutes" has a long message; its user is acting."""
    model = ScriptedChatModel(*["All right."] * 9)
    async with open_memory(Settings(home=tmp_path), model=model) as memory:
        with acting_as("ada"):
            await (await memory.say(DOCUMENT, thread="minutes")).finished()
            yield memory


async def block_of(memory: Memory, question: str) -> str:
    """Return the memory block in front of a question in another thread."""
    await (await memory.say(question, thread="talk", context=CONTEXT)).finished()
    prompt = (await memory.prompt("talk", CONTEXT)).prompt
    return next(text for text in (str(m.content) for m in reversed(prompt)) if "<memories>" in text)


async def test_the_prompt_shows_the_passage_marked_as_a_part(memory: Memory) -> None:
    block = await block_of(memory, QUESTION)
    assert SECRET in block
    assert block.count(OMISSION) == 2
    assert len(block) < len(DOCUMENT) / 2
    # A later turn reads the same passage from the store again.
    assert SECRET in await block_of(memory, "And who said so?")


async def test_why_and_export_speak_of_the_message(memory: Memory) -> None:
    await block_of(memory, QUESTION)
    why = await memory.why("talk")
    (reason,) = [one for one in why["memories"] if one["kind"] == "message"]
    (row, *_) = await memory.search(QUESTION)
    assert reason["id"] == row["id"]
    assert reason["text"] == row["text"] == DOCUMENT


async def test_a_corrected_message_is_shown_as_it_is_now(memory: Memory) -> None:
    await block_of(memory, QUESTION)
    (row, *_) = await memory.search(QUESTION)
    await memory.correct(row["id"], "The heron sanctuary stays closed.")
    block = await block_of(memory, "Are you sure?")
    assert "stays closed" in block
    assert SECRET not in block


async def test_no_passage_survives_its_message(memory: Memory, tmp_path: Path) -> None:
    await block_of(memory, QUESTION)
    (row, *_) = await memory.search(QUESTION)
    await memory.forget(Target(kind="message", name=row["id"]))
    assert SECRET not in str(await memory.search("heron sanctuary"))
    await (await memory.say("And now?", thread="talk", context=CONTEXT)).finished()
    assert SECRET not in str((await memory.prompt("talk", CONTEXT)).prompt)
