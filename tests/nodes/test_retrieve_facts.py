"""The facts of a prompt: those around what is named, those of the question's date, ages, plans."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.erase.helpers import say
from threadkeep import Settings, open_memory
from threadkeep.memory import Memory

USER = "ada"


class Calendar:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.day = "2026-01-10"

    def __call__(self) -> datetime:
        return datetime.fromisoformat(f"{self.day}T10:00:00").replace(tzinfo=UTC)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def memory(tmp_path: Path, calendar: Calendar) -> AsyncIterator[Memory]:
    async with open_memory(Settings(home=tmp_path), clock=calendar) as memory:
        yield memory


async def known_lines(memory: Memory, question: str, preset: str = "hybrid") -> list[str]:
    """Ask in a new thread; return the lines of facts that the prompt of the answer held."""
    turn = await memory.say(question, thread="q", user_id=USER, context={"memory": preset})
    await turn.finished()
    plan = await memory.prompt("q", {"memory": preset}, user_id=USER)
    text = "\n".join(message.text for message in plan.prompt)
    return [line[2:] for line in text.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("preset", ["hybrid", "graph"])
async def test_a_question_about_then_is_shown_the_fact_of_then(
    memory: Memory, calendar: Calendar, preset: str
) -> None:
    await say(memory, USER, "a", "I have lived in Malmö since 2018.")
    calendar.day = "2022-03-12"
    await say(memory, USER, "b", "I moved to Lund in February 2022.")
    calendar.day = "2026-06-01"
    lines = await known_lines(memory, "Where did I live in March 2019?", preset)
    assert "user lives in Malmö (2018 to 2022-02)" in lines
    lines = await known_lines(memory, "Where do I live now?", preset)
    assert "user lives in Lund (since 2022-02)" in lines


async def test_a_plan_and_a_return_carry_their_times(memory: Memory, calendar: Calendar) -> None:
    for day, text in (
        ("2024-01-10", "I live in Kiel since 2020."),
        ("2024-05-02", "I moved to Lund in May 2022."),
        ("2025-05-02", "I moved to Kiel in March 2024."),
        ("2026-03-10", "I'm moving to Dresden at the beginning of July."),
    ):
        calendar.day = day
        await say(memory, USER, f"t{day}", text)
    calendar.day = "2026-05-01"
    lines = await known_lines(memory, "Where do I live?")
    assert "user lives in Kiel (2020 to 2022-05; 2024-03 to 2026-07)" in lines
    assert any(line.startswith("planned: user lives in Dresden") for line in lines)


async def test_an_age_is_computed_and_a_birthday_makes_it_exact(
    memory: Memory, calendar: Calendar
) -> None:
    calendar.day = "2024-05-02"
    await say(memory, USER, "a", "My daughter Nora is 7 years old.")
    calendar.day = "2026-11-28"
    lines = await known_lines(memory, "How old is Nora?")
    assert "Nora's age is 7 (said 2024-05-02; about 10 by now)" in lines
    await say(memory, USER, "b", "Nora's birthday is 30 December.")
    lines = await known_lines(memory, "How old is Nora?")
    assert "Nora's age is 7 (said 2024-05-02; 9 by now)" in lines


@pytest.mark.parametrize("preset", ["hybrid", "graph"])
async def test_facts_two_steps_away_are_shown(memory: Memory, preset: str) -> None:
    await say(memory, USER, "a", "My sister Miriam is married to Bob.", "Bob works at Initech.")
    for number in range(8):
        await say(memory, USER, f"n{number}", f"My favourite colour{number} is green.")
    lines = await known_lines(memory, "What would be a good present for Miriam?", preset)
    assert any("Miriam" in line and "Bob" in line for line in lines)
    assert any("Bob works at Initech" in line for line in lines)
    assert len(lines) < 30
