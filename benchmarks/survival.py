"""Whether exact words survive compactions: `python -m benchmarks.survival --json`.

28 names, numbers, dates, paths, addresses, quotations and denials are said once, then followed by
small talk until 1, 5 and 20 compactions have passed. The summariser is as bad as possible: it
writes "They talked." and fails every fourth time. Then a question is asked for each literal, which
must be in the prompt. Every message that left the thread must have been sent to the summariser.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.report import report
from benchmarks.scripted_thread import ScriptedThread, open_scripted
from benchmarks.turn import sentence
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store
from threadkeep.testing import Fault, Reply

AFTER = (1, 5, 20)
PLACES = ("mill", "harbour", "chapel", "orchard")
# Statement, question, and the literal that must be recalled; {} is the place, {n} a number.
KINDS = {
    "name": ("The warden of the {} is Ottoline {N}brook.", "Who is warden of the {}?", "{N}brook"),
    "number": ("The gate code of the {} is {n}-KX.", "What is the gate code of the {}?", "{n}-KX"),
    "date": ("The lease of the {} ends on {d} June 2031.", "When ends the {} lease?",
             "{d} June 2031"),
    "path": ("The plan of the {} is in ~/plans/{n}/roof.pdf now.", "Where is the plan of the {}?",
             "~/plans/{n}/roof.pdf"),
    "address": ("The {} is let on https://let.example/{n} only.", "Where is the {} let?",
                "https://let.example/{n}"),
    "quote": ('On the {} door they wrote "mind step {n}" in red.', "What is on the {} door?",
              '"mind step {n}"'),
    "denial": ("Please never lock the {} before bell {n}.", "May one lock the {}?",
               "never lock the {} before bell {n}"),
}  # fmt: skip


def probes() -> list[tuple[str, str, str]]:
    """Return statements, each with its question and its literal."""
    items = []
    for at, place in enumerate(PLACES):
        for kind, texts in enumerate(KINDS.values()):
            number = 4_100 + 37 * at + 401 * kind
            values = {"n": number, "d": 3 + 5 * at, "N": ("Ash", "Elm", "Fen", "Oak")[at]}
            statement, question, literal = (text.format(place, **values) for text in texts)
            items.append((statement, question, literal))
    return items


class LongThread:
    """A thread with a bad summariser, and the texts of all its messages."""

    def __init__(self, thread: ScriptedThread, memory: str) -> None:
        self.thread = thread
        self.random = Random(5)
        self.texts: list[str] = []
        self.summaries = 0
        self.compactions = 0
        self.through = ""
        thread.name = memory
        thread.context = {"user_id": memory, "memory": memory}
        thread.replies = lambda request: sentence(self.random, 40)
        thread.summarise = self._summarise

    def _summarise(self, request: dict[str, Any]) -> Reply | Fault | str:
        self.summaries += 1
        fault = Fault(status=400, body={"error": {"message": "no"}})
        return fault if self.summaries % 4 == 0 else "They talked."

    async def say(self, text: str) -> None:
        """Run one turn, and count it if it compacts the thread."""
        output = await self.thread.say(text)
        self.texts += [text, str(output["messages"][-1].text)]
        state = await self.thread.state()
        self.compactions += state.summarized_through != self.through
        self.through = state.summarized_through

    async def talk(self, compactions: int) -> None:
        """Talk until so many compactions have passed."""
        while self.compactions < compactions:
            # Other names and numbers compete for the same room beside the summary.
            crate = f"Crate {self.random.randint(100, 999)} of Anno Verwij weighs"
            number = self.random.randint(1_000, 9_999)
            await self.say(f"{sentence(self.random, 50)}. {crate} {number} kilos.")

    async def reachable(self) -> float:
        """Return the share of the literals that are in the prompt of their question."""
        hits = []
        for _, question, literal in probes():
            await self.say(question)
            earlier = self.thread.prompts[-1][:-1]
            hits.append(any(literal in str(message["content"]) for message in earlier))
        return sum(hits) / len(hits)

    async def shown_to_summariser(self) -> float:
        """Return the share of the messages that left the thread and went to the summariser."""
        recent = {str(message.text) for message in (await self.thread.state()).messages}
        folded = [text for text in self.texts if text not in recent]
        prompts = "\n".join(self.thread.summaries)
        return sum(text in prompts for text in folded) / len(folded)


async def measure(home: Path) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    figures: dict[str, float] = {"planted": float(len(probes()))}
    async with open_store(Settings(home=home)) as store:
        for memory in ("hybrid", "progressive"):
            for compactions in AFTER:
                async with open_scripted(store) as thread:
                    long_thread = LongThread(thread, memory)
                    long_thread.thread.context["user_id"] = f"{memory}-{compactions}"
                    for statement, _, _ in probes():
                        await long_thread.say(statement)
                    await long_thread.talk(compactions)
                    await store.index_pending()
                    name = f"{memory}_after_{compactions}"
                    figures[f"{name}_reachable"] = await long_thread.reachable()
                    figures[f"{name}_shown"] = await long_thread.shown_to_summariser()
                    figures[f"{name}_messages"] = float(len(long_thread.texts))
    met = {
        f"after {n}: all reachable, all shown to the summariser": figures[
            f"hybrid_after_{n}_reachable"
        ]
        == figures[f"hybrid_after_{n}_shown"]
        == figures[f"progressive_after_{n}_shown"]
        == 1.0
        for n in AFTER
    }
    return figures, met


def main() -> None:
    """Measure in a temporary data folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        os.environ["THREADKEEP_HOME"] = folder
        figures, met = asyncio.run(measure(Path(folder)))
    report("survival", figures, met, as_json=as_json)


if __name__ == "__main__":
    main()
