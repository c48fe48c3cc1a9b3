"""What is known, since when, and what is answered without a model: `python -m benchmarks.facts`.

Dialogues of our own, in `benchmarks/data`: (a) with a scripted model that extracts perfect claims,
which facts hold, when, and as they were known when; (b) without a model, whether the answer to a
question has what was said, and nothing that holds no longer; (c) what the rules note of single
sentences, many of which say nothing; (d) what of the program's own words is recalled, and what a
question brings back that nothing was said about. No figure of a language model is among them.

`--dialogues FILE` asks the questions of another file of the same form; `--failures` prints what
was not as expected.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.facts_claims import PerfectExtractor, check_cases
from benchmarks.facts_questions import Answer, Case, SetClock, ask_cases, shares
from benchmarks.facts_recall import recall_figures
from benchmarks.facts_sentences import read_sentence, sentence_figures
from benchmarks.report import report
from threadkeep import Settings, open_memory

DATA = Path(__file__).parent / "data"
Figures = dict[str, float]


def load(path: Path, name: str) -> list[Case]:
    """Return the records of a file."""
    records: list[Case] = json.loads(path.read_text("utf-8"))[name]
    return records


async def measure(home: Path, dialogues: Path | None, failures: list[str]) -> Figures:
    """Return the figures; `failures` gets a line for each result that is not as expected."""
    figures = await _claims(home / "claims", failures)
    figures |= await _questions(home / "own", DATA / "facts_questions.json", "answers", failures)
    if dialogues:
        figures |= await _questions(home / "other", dialogues, "other_answers", failures)
    results = [
        read_sentence(sentence) for sentence in load(DATA / "facts_sentences.json", "sentences")
    ]
    failures += [f"{result.sentence['text']} {result.wrong}" for result in results if result.wrong]
    return figures | sentence_figures(results)


async def _claims(home: Path, failures: list[str]) -> Figures:
    clock, model = SetClock(), PerfectExtractor()
    cases = load(DATA / "facts_claims.json", "cases")
    async with open_memory(Settings(home=home), model=model, clock=clock) as memory:
        results = await check_cases(memory, model, clock, cases)
    wrong = [result for result in results if not result.is_right]
    failures += [f"{r.case['id']} {r.check}: {sorted(r.objects)}" for r in wrong]
    right = len(cases) - len({result.case["id"] for result in wrong})
    return {"claims_cases": float(len(cases)), "claims": right / len(cases)}


async def _questions(home: Path, path: Path, prefix: str, failures: list[str]) -> Figures:
    clock, cases = SetClock(), load(path, "cases")
    async with open_memory(Settings(home=home), clock=clock) as memory:
        answers: list[Answer] = await ask_cases(memory, clock, cases)
        recalled = await recall_figures(memory, cases)
    wrong = [answer for answer in answers if not answer.is_right]
    failures += [f"{a.case['id']} {a.question} {a.text}" for a in wrong]
    return shares(answers, prefix) | {f"{prefix}_{key}": value for key, value in recalled.items()}


def targets(figures: Figures) -> dict[str, bool]:
    """Return which targets the figures meet."""
    prefixes = [name for name in ("answers", "other_answers") if name in figures]
    met = {"perfect claims: 1.00": figures["claims"] == 1.0}
    for prefix in prefixes:
        met[f"{prefix} >= 0.70"] = figures[prefix] >= 0.70
        met[f"{prefix}, unanswerable: 1.00"] = figures[f"{prefix}_unanswerable"] == 1.0
        met[f"{prefix}: no boilerplate recalled"] = figures[f"{prefix}_boilerplate_recalled"] == 0
        met[f"{prefix}: nothing for what is unrelated"] = (
            figures[f"{prefix}_unrelated_recalled"] == 0
        )
    met["rules: precision >= 0.95"] = figures["sentences_precision"] >= 0.95
    met["rules: at most 1 falsehood"] = figures["sentences_falsehoods"] <= 1
    return met


def main() -> None:
    """Measure in a temporary data folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dialogues", type=Path, metavar="FILE")
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["THREADKEEP_HOME"] = folder
        figures: dict[str, Any] = asyncio.run(measure(Path(folder), options.dialogues, failures))
    if options.failures:
        print(*failures, sep="\n", file=sys.stderr)
    report("facts", figures, targets(figures), as_json=options.json)


if __name__ == "__main__":
    main()
