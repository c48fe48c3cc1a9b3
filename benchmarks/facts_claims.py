"""What the store makes of perfect claims: dialogues with a scripted model that extracts them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from benchmarks.facts_questions import Case, SetClock
from threadkeep import Memory
from threadkeep.erase.plan import Target
from threadkeep.testing import Reply, ScriptedChatModel, purpose_of

_FACT_LINE = re.compile(r"^\[(f\d+)\] (.*)$", re.MULTILINE)
ANY = "any"
"""A subject of a check: whoever it is."""


class PerfectExtractor(ScriptedChatModel):
    """Extracts the claims that are set; an end is told by the text of a fact, sent by its id."""

    claims: Sequence[dict[str, Any]] = ()
    ends: Sequence[str] = ()

    def _next(self, messages: list[BaseMessage]) -> Reply:
        prompt = messages[-1].text
        if purpose_of(prompt) != "extraction":
            return Reply("Thank you.")
        ids = [id_ for id_, text in _FACT_LINE.findall(prompt) if text.startswith(tuple(self.ends))]
        return Reply(json.dumps({"claims": list(self.claims), "ends": ids}))


@dataclass(frozen=True)
class CheckResult:
    """A check of a case, and the objects that the product gave."""

    case: Case
    check: dict[str, Any]
    objects: set[str]

    @property
    def is_right(self) -> bool:
        """Whether they are those expected."""
        return self.objects == set(self.check["objects"])


async def check_cases(
    memory: Memory, model: PerfectExtractor, clock: SetClock, cases: Sequence[Case]
) -> list[CheckResult]:
    """Run each case as a user of its own; return its checks."""
    results = []
    for case in cases:
        thread = "t"
        for step in case["steps"]:
            thread = await _take_step(memory, model, clock, case["id"], thread, step)
        last = max(step["time"] for step in case["steps"] if "time" in step)
        for check in case["checks"]:
            clock.set(f"{check.get('now', last)}T23:00:00+00:00")
            results.append(CheckResult(case, check, await _objects(memory, case["id"], check)))
    return results


async def _take_step(
    memory: Memory,
    model: PerfectExtractor,
    clock: SetClock,
    user: str,
    thread: str,
    step: dict[str, Any],
) -> str:
    """Say, fork, undo or forget; return the thread that goes on."""
    if new := step.get("fork"):
        await memory.fork(thread, new, step.get("turns"), user_id=user)
        return str(new)
    if turns := step.get("undo"):
        await memory.undo(thread, turns, user_id=user)
    elif text := step.get("forget"):
        messages = await memory.messages(thread, user_id=user)
        (id_,) = [message["id"] for message in messages if message["text"] == text]
        await memory.forget(Target(kind="message", name=id_), user_id=user)
    else:
        clock.set(f"{step['time']}T10:00:00+00:00")
        model.claims, model.ends = step["claims"], step.get("ends", ())
        turn = await memory.say(step["text"], thread=thread, user_id=user)
        async for _ in turn:
            pass
        await turn.finished()
    return thread


async def _objects(memory: Memory, user: str, check: dict[str, Any]) -> set[str]:
    rows = await memory.facts(
        10_000,
        history=True,
        as_of=check.get("as_of"),
        told_by=check.get("told_by"),
        user_id=user,
    )
    return {
        row["object"]
        for row in rows
        if row["status"] == check.get("status", "holds")
        and row["predicate"] == check["predicate"]
        and check["subject"] in (ANY, row["subject"])
    }
