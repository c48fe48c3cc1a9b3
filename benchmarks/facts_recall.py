"""What is recalled that helps nobody: the program's own words, and memories beside the point."""

from collections.abc import Sequence

from benchmarks.facts_questions import OFFLINE, Case
from threadkeep import Memory

UNRELATED = "Tell me a joke about penguins."


async def recall_figures(memory: Memory, cases: Sequence[Case]) -> dict[str, float]:
    """Return the share of boilerplate among found items, and the items for an unrelated request.

    The cases are told and asked already: every message of the assistant is the program's own.
    """
    rows = [
        row
        for case in cases
        for question in case["ask"]
        for row in await memory.search(question["question"], user_id=case["id"])
    ]
    boilerplate = [row for row in rows if row.get("role") == "assistant"]
    items = [await _unrelated_items(memory, case["id"]) for case in cases]
    return {
        "boilerplate_recalled": len(boilerplate) / max(1, len(rows)),
        "unrelated_recalled": sum(items) / len(items),
    }


async def _unrelated_items(memory: Memory, user: str) -> int:
    """Return how many memories a model would be shown for a request that none is about."""
    turn = await memory.say(UNRELATED, thread="unrelated", user_id=user, context=OFFLINE)
    async for _ in turn:
        pass
    await turn.finished()
    return len(turn.memories)
