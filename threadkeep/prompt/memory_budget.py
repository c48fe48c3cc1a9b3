"""The best memories that fit: what a block takes, to the token, while it fills."""

from collections.abc import Iterable, Sequence

from threadkeep.base.memory_block import (
    FENCE,
    KNOWN_HEADING,
    RecalledItem,
    closing_line,
    day_lines,
    day_of,
    fact_line,
    opening_lines,
)
from threadkeep.base.tokens import count_text

FRAME_OF_LINE = 15
"""Tokens that a memory takes beside its words, mostly: its speaker, a share of a date line."""
LEAST_LINE = 6
"""With fewer tokens left no line fits."""
SHRINKS_TO = 0.8
"""What is left of a text's tokens, at least, when it is put on one line."""


class Filling:
    """A memory block as it fills.

    Exact, since no token of o200k_base reaches over the end of a line of ours: the next one
    begins with "-", "#" or "<".
    """

    def __init__(self, budget: int, fence: str = FENCE) -> None:
        self.kept: list[RecalledItem] = []
        self.left = budget - sum(map(_cost, (*opening_lines(fence), closing_line(fence))))
        self._days: dict[str, tuple[list[RecalledItem], int]] = {}
        self._costs: dict[str, int] = {}
        self._knows = False

    def add(self, memory: RecalledItem) -> bool:
        """Take a memory in if it fits; tell whether it did."""
        if self.left < LEAST_LINE or memory.get("tokens", 0) * SHRINKS_TO > self.left:
            return False
        if memory["kind"] == "message":
            return self._say(memory)
        more = self._of([fact_line(memory)] + ([] if self._knows else [f"# {KNOWN_HEADING}"]))
        if more <= self.left:
            self.left -= more
            self.kept.append(memory)
            self._knows = True
        return self.kept[-1:] == [memory]

    def _say(self, memory: RecalledItem) -> bool:
        of_day, before = self._days.get(day_of(memory), ([], 0))
        with_it = [*of_day, memory]
        now = self._of(day_lines(with_it))
        if now - before > self.left:
            return False
        self.left -= now - before
        self._days[day_of(memory)] = with_it, now
        self.kept.append(memory)
        return True

    def _of(self, lines: Iterable[str]) -> int:
        for line in lines:
            if line not in self._costs:
                self._costs[line] = _cost(line)
        return sum(self._costs[line] for line in lines)


def within(memories: Sequence[RecalledItem], budget: int, fence: str = FENCE) -> list[RecalledItem]:
    """Return the best memories whose block takes at most `budget` tokens, in the given order.

    What is known comes first, as given; then the messages that are most likely to help for what
    they take: by the odds of their score per token. (On LoCoMo: 0.863 of the evidence in 1,000
    tokens, 0.854 by score alone.)
    """
    filling = Filling(budget, fence)
    known = [memory for memory in memories if memory["kind"] != "message"]
    said = [memory for memory in memories if memory["kind"] == "message"]
    for memory in (*known, *sorted(said, key=worth, reverse=True)):
        filling.add(memory)
    kept = {id(memory) for memory in filling.kept}
    return [memory for memory in memories if id(memory) in kept]


def worth(memory: RecalledItem) -> float:
    """Return what a message is worth for what it takes; one without a score as it comes."""
    score = memory.get("score")
    if score is None:
        return 0.0
    odds = score / max(1e-6, 1 - score)
    return odds / ((memory.get("tokens") or count_text(memory["text"])) + FRAME_OF_LINE)


def _cost(line: str) -> int:
    return count_text(f"{line}\n")
