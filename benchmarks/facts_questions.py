"""What is answered without a model: dialogues, each with questions asked later."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from threadkeep import Memory
from threadkeep.base.clock import parse_time

Case = dict[str, Any]
OFFLINE = {"model": "offline"}


class SetClock:
    """A clock that stands at the time of what is said."""

    def __init__(self) -> None:
        self.time = parse_time("2025-01-01T00:00:00+00:00")

    def __call__(self) -> datetime:
        """Return the time it is set to."""
        return self.time

    def set(self, time: str) -> None:
        """Set it to an ISO 8601 time."""
        self.time = parse_time(time)


@dataclass(frozen=True)
class Answer:
    """An answer to a question of a case, and whether it is as expected."""

    case: Case
    question: str
    text: str
    is_right: bool


async def say(memory: Memory, text: str, thread: str, user: str) -> str:
    """Say something; return the reply."""
    turn = await memory.say(text, thread=thread, user_id=user, context=OFFLINE)
    reply = "".join([piece async for piece in turn])
    await turn.finished()
    return reply


async def ask_cases(memory: Memory, clock: SetClock, cases: Sequence[Case]) -> list[Answer]:
    """Tell each case as a user of its own, then ask its questions.

    The product answers each message itself, so what an assistant said in a case is left out.
    """
    answers = []
    for case in cases:
        for turn in case["turns"]:
            if turn["role"] == "user":
                clock.set(turn["time"])
                await say(memory, turn["text"], turn["thread"], case["id"])
        for number, question in enumerate(case["ask"]):
            clock.set(question["time"])
            thread = f"{question['thread']}-{number}"
            text = await say(memory, question["question"], thread, case["id"])
            answers.append(Answer(case, question["question"], text, is_right(text, question)))
    return answers


def is_right(text: str, question: Case) -> bool:
    """Return whether an answer has one of the expected texts, and none of those excluded."""
    text = text.casefold()
    expected = [part.casefold() for part in question["contains_any"]]
    excluded = [part.casefold() for part in question["contains_none"]]
    is_expected = not expected or any(part in text for part in expected)
    return is_expected and not any(part in text for part in excluded)


def shares(answers: Sequence[Answer], prefix: str) -> dict[str, float]:
    """Return the share of right cases, in all and by kind; all answers of a case must be right."""
    by_case: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_case[answer.case["id"]].append(answer)
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for of_case in by_case.values():
        by_kind[of_case[0].case["kind"]].append(all(answer.is_right for answer in of_case))
    results = [right for of_kind in by_kind.values() for right in of_kind]
    figures = {f"{prefix}_cases": float(len(results)), prefix: sum(results) / len(results)}
    for kind, of_kind in sorted(by_kind.items()):
        figures[f"{prefix}_{kind.replace('-', '_')}"] = sum(of_kind) / len(of_kind)
    return figures
