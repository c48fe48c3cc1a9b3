"""A conversation in LoCoMo's format while it is generated: its sessions, questions and dates."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from benchmarks.recall_kinds.statements import Statement

INFORMATION, UPDATE, SEVERAL, TEMPORAL = 1, 2, 3, 4
"""Categories of questions."""
Say = Callable[["Conversation", int, Statement, str], str]
"""Adds the messages around a text of a statement to a session; returns the id of its message."""
CHANGED_SHARE = 0.6
DATED_SHARE = 0.25


class Conversation:
    """The sessions of one user, to which generators append messages."""

    def __init__(self, name: str, speakers: tuple[str, str], sessions: int, random: Random) -> None:
        self.name, self.speakers, self.random = name, speakers, random
        self.sessions: list[list[dict[str, str]]] = [[] for _ in range(sessions)]
        self.dates: Sequence[str] = ()
        """Wordings of a question with the day, {1}, or the month, {2}, on which it was told."""
        self._questions: list[dict[str, Any]] = []
        start = datetime(2024, 1, 1) + timedelta(days=random.randrange(365))
        days = sorted(random.sample(range(sessions * 9), sessions))
        self._times = [
            start + timedelta(days=day, minutes=random.randrange(480, 1_320)) for day in days
        ]

    def add(self, session: int, speaker: int, text: str) -> str:
        """Append a message of speaker 0 or 1; return its id."""
        messages = self.sessions[session]
        message_id = f"D{session + 1}:{len(messages) + 1}"
        messages.append({"speaker": self.speakers[speaker], "dia_id": message_id, "text": text})
        return message_id

    def ask(self, category: int, question: str, evidence: Sequence[str], answer: str = "") -> None:
        """Add a question; `answer` is a text that has to be shown, empty for any of the messages.

        The evidence of an update is in the order of time.
        """
        self._questions.append(
            {
                "question": question,
                "category": category,
                "evidence": list(evidence),
                "shown": answer,
                "is_update": category == UPDATE,
            }
        )

    def tell(self, statements: Sequence[Statement], between: Sequence[str], say: Say) -> None:
        """Say all statements in random sessions, their changes in later ones, and ask for them."""
        sessions = len(self.sessions)
        plans: list[tuple[int, float, Statement, str]] = []
        for statement in statements:
            changes = bool(statement.change) and self.random.random() < CHANGED_SHARE
            texts = [statement.says, *statement.more, *([statement.change] if changes else [])]
            places = sorted(self.random.sample(range(sessions), len(texts)))
            for place, text in zip(places, texts, strict=True):
                plans.append((place, self.random.random(), statement, text))
        ids: dict[int, list[str]] = {}
        for place, _, statement, text in sorted(plans, key=lambda plan: plan[:2]):
            ids.setdefault(id(statement), []).append(say(self, place, statement, text))
        for statement in statements:
            self._ask_for(statement, ids[id(statement)])
        dated = [statement for statement in statements if statement.label]
        for one, other in list(pairwise(dated))[:4]:
            question = self.random.choice(between).format(a=one.label, b=other.label)
            self.ask(TEMPORAL, question, [*ids[id(one)], *ids[id(other)]])

    def _ask_for(self, statement: Statement, evidence: list[str]) -> None:
        if statement.fact.several:
            self.ask(SEVERAL, statement.ask, evidence)
        elif self.dates and len(evidence) == 1 and not statement.ask.startswith("When"):
            day = self._times[int(evidence[0][1:].split(":")[0]) - 1]
            with_date = self.random.choice(self.dates).format(
                statement.ask.rstrip("?"), f"{day.day} {day:%B}, {day.year}", f"{day:%B} {day.year}"
            )
            asks = with_date if self.random.random() < DATED_SHARE else statement.ask
            self.ask(INFORMATION, asks, evidence, statement.says)
        elif len(evidence) > 1:
            self.ask(UPDATE, statement.ask, evidence, statement.change)
        else:
            self.ask(INFORMATION, statement.ask, evidence, statement.says)

    def record(self) -> dict[str, Any]:
        """Return the conversation in LoCoMo's format."""
        conversation: dict[str, Any] = {
            "speaker_a": self.speakers[0],
            "speaker_b": self.speakers[1],
        }
        for number, (time, messages) in enumerate(
            zip(self._times, self.sessions, strict=True), start=1
        ):
            hour = time.strftime("%I:%M").lstrip("0") + time.strftime(" %p").lower()
            date = f"{time.day} {time:%B}, {time.year}"
            conversation[f"session_{number}_date_time"] = f"{hour} on {date}"
            conversation[f"session_{number}"] = messages
        return {"sample_id": self.name, "conversation": conversation, "qa": self._questions}
