"""What is left of exact words after compactions: `python -m benchmarks.survival --json`.

28 names, numbers, dates, paths, addresses, quotations and denials are said once, then buried under
talk until 1, 5 and 20 compactions have passed. The summariser is the worst there is: it writes
"They talked." and fails every fourth time. Then each is asked for, and must be in the prompt. Every
message that has left the thread must have been shown to the summariser.
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
# What is said, what is asked, and the words that must be there; {} is the place, {n} a number.
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


def planted() -> list[tuple[str, str, str]]:
    """Return what is said, what is asked for it, and the literal."""
    made = []
    for at, place in enumerate(PLACES):
        for kind, texts in enumerate(KINDS.values()):
            number = 4_100 + 37 * at + 401 * kind
            values = {"n": number, "d": 3 + 5 * at, "N": ("Ash", "Elm", "Fen", "Oak")[at]}
            said, asked, literal = (text.format(place, **values) for text in texts)
            made.append((said, asked, literal))
    return made


class Buried:
    """A thread, everything that was said in it, and its worst of summarisers."""

    def __init__(self, thread: ScriptedThread, memory: str) -> None:
        self.thread = thread
        self.random = Random(5)
        self.said: list[str] = []
        self.summaries = 0
        self.compactions = 0
        self.through = ""
        thread.name = memory
        thread.context = {"user_id": memory, "memory": memory}
        thread.replies = lambda asked: sentence(self.random, 40)
        thread.summarise = self._summarise

    def _summarise(self, asked: dict[str, Any]) -> Reply | Fault | str:
        self.summaries += 1
        failed = Fault(status=400, body={"error": {"message": "no"}})
        return failed if self.summaries % 4 == 0 else "They talked."

    async def say(self, text: str) -> None:
        """Say it, and note whether that brought a compaction."""
        done = await self.thread.say(text)
        self.said += [text, str(done["messages"][-1].text)]
        state = await self.thread.state()
        self.compactions += state.summarized_through != self.through
        self.through = state.summarized_through

    async def bury(self, compactions: int) -> None:
        """Talk until so many compactions have passed."""
        while self.compactions < compactions:
            # Names and numbers of its own, which press for the same place beside the summary.
            crate = f"Crate {self.random.randint(100, 999)} of Anno Verwij weighs"
            number = self.random.randint(1_000, 9_999)
            await self.say(f"{sentence(self.random, 50)}. {crate} {number} kilos.")

    async def reachable(self) -> float:
        """Return the share of the planted literals that are in the prompt when asked for."""
        found = []
        for _, asked, literal in planted():
            await self.say(asked)
            earlier = self.thread.prompts[-1][:-1]
            found.append(any(literal in str(message["content"]) for message in earlier))
        return sum(found) / len(found)

    async def shown_to_summariser(self) -> float:
        """Return the share of the messages that left the thread which the summariser has seen."""
        left = {str(message.text) for message in (await self.thread.state()).messages}
        gone = [text for text in self.said if text not in left]
        every = "\n".join(self.thread.summaries)
        return sum(text in every for text in gone) / len(gone)


async def measure(home: Path) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    figures: dict[str, float] = {"planted": float(len(planted()))}
    async with open_store(Settings(home=home)) as store:
        for memory in ("hybrid", "progressive"):
            for compactions in AFTER:
                async with open_scripted(store) as thread:
                    buried = Buried(thread, memory)
                    buried.thread.context["user_id"] = f"{memory}-{compactions}"
                    for said, _, _ in planted():
                        await buried.say(said)
                    await buried.bury(compactions)
                    await store.index_pending()
                    name = f"{memory}_after_{compactions}"
                    figures[f"{name}_reachable"] = await buried.reachable()
                    figures[f"{name}_shown"] = await buried.shown_to_summariser()
                    figures[f"{name}_messages"] = float(len(buried.said))
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
    """Measure in a folder that is thrown away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        os.environ["THREADKEEP_HOME"] = folder
        figures, met = asyncio.run(measure(Path(folder)))
    report("survival", figures, met, as_json=as_json)


if __name__ == "__main__":
    main()
