"""How well the right turn is recalled: `python -m benchmarks.recall --data FILE --json`.

FILE is in LoCoMo's format. The product itself is measured: its import, its store and its node
`retrieve_memories`; and, on the same messages, older ways to recall. A figure is the share of a
question's annotated turns that is recalled, averaged over the questions of categories 1 to 4.

The first figures use the weights in search/weights.py. Figures that begin with `left_out` use
weights fitted for each conversation on all others (cross-validation); `left_out.no_speaker` fits
without the features about speakers. `absent` measures questions without an answer: those of
category 5, and those about another user's conversation. `--sizes` measures the time of a query
among 10,000 and 100,000 messages of one user.
"""

import argparse
import asyncio
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from langchain_core.messages import HumanMessage
from langchain_core.runnables.config import set_config_context
from langgraph.runtime import Runtime

from benchmarks.fit_ranking import Example, examples, features_without, fit
from benchmarks.locomo import ABSENT, Dataset, Question, open_dataset
from benchmarks.recall_absence import measure_absence
from benchmarks.recall_peers import Peers
from benchmarks.recall_sizes import measure_sizes
from benchmarks.report import report
from threadkeep.base.memory_block import RecalledItem, render_memories
from threadkeep.base.tokens import count_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.nodes.retrieve_memories import retrieve_memories
from threadkeep.process import run

DEPTHS, BUDGETS, DEEP_BUDGET = (5, 10, 20), (500, 1_000, 2_000), 4_000
"""`DEEP_BUDGET` tokens hold the first twenty turns, however long they are."""
SPEAKER_FEATURES = ("speaker", "subject")
MESSAGE_OVERHEAD = 8
"""Tokens of a recalled message beside its text."""
Order = Callable[[Question], Sequence[str]]
Row = dict[str, float]
"""The figures of one question."""


async def recall(dataset: Dataset, question: Question, tokens: int) -> list[RecalledItem]:
    """Return what the product recalls for a question, the best first."""
    user = question.user
    context = Context(
        user_id=user, memory="vector", max_tokens=tokens + 20_000, recall_tokens=tokens
    )
    state = State(messages=[HumanMessage(question.text, id="asked")])
    node = retrieve_memories(state, Runtime(context=context, store=dataset.store))
    with set_config_context({"configurable": {"thread_id": "asked", "user_id": user}}) as config:
        update = await asyncio.create_task(node, context=config)
    return sorted(update.get("memories", []), key=lambda memory: -memory.get("score", 0.0))


def share(ids: Sequence[str], question: Question) -> float:
    """Return the share of the evidence that is among the ids."""
    return len(question.evidence.intersection(ids)) / len(question.evidence)


def reciprocal_rank(ids: Sequence[str], question: Question) -> float:
    """Return 1 / the rank of the first evidence, 0 if there is none."""
    ranks = (rank for rank, key in enumerate(ids, start=1) if key in question.evidence)
    return 1 / next(ranks, float("inf"))


def at_depths(ids: Sequence[str], question: Question) -> Row:
    """Return the figures of an order of messages, whatever their length."""
    row = {f"recall@{depth}": share(ids[:depth], question) for depth in DEPTHS}
    return row | {"mrr": reciprocal_rank(ids, question)}


def mean(rows: Iterable[Mapping[str, float]]) -> Row:
    """Return the average of each figure."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in columns.items()}


async def measure_question(
    dataset: Dataset, question: Question, budgets: Sequence[int] = (*BUDGETS, DEEP_BUDGET)
) -> Row:
    """Return the product's figures for one question."""
    row: Row = {}
    for budget in budgets:
        start = time.perf_counter()
        memories = await recall(dataset, question, budget)
        milliseconds = (time.perf_counter() - start) * 1000
        ids = [memory["id"] for memory in memories]
        if budget in BUDGETS:
            row[f"recall_in_{budget}_tokens"] = share(ids, question)
        if budget == 1_000:
            row["ms_per_query"] = milliseconds
            row["block_tokens"] = count_text(render_memories(memories))
            row["nothing"] = float(not memories)
        if budget == DEEP_BUDGET:
            row |= at_depths(ids, question)
    return row


async def cross_validate(
    dataset: Dataset, training: Sequence[Example], mask: np.ndarray
) -> list[Row]:
    """Return the figures with weights fitted on all conversations but that of the question."""
    searcher = dataset.store.searcher
    shipped, rows = searcher.weights, []
    for user in dict.fromkeys(question.user for question in dataset.answerable):
        others = [example for example in training if example.user != user]
        searcher.weights = replace(fit(others, mask), floor=shipped.floor)
        questions = [question for question in dataset.answerable if question.user == user]
        rows += [await measure_question(dataset, q, (1_000, DEEP_BUDGET)) for q in questions]
    searcher.weights = shipped
    return rows


def measure_peer(costs: Mapping[str, int], question: Question, order: Order) -> Row:
    """Return the figures of an older way to recall for one question; `costs` are in tokens."""
    ids = order(question)
    row = at_depths(ids, question)
    totals = list(accumulate(costs[key] for key in ids))
    for budget in BUDGETS:
        row[f"recall_in_{budget}_tokens"] = share(ids[: bisect_right(totals, budget)], question)
    return row


def by_category(prefix: str, questions: Sequence[Question], rows: Sequence[Row]) -> Row:
    """Return the averages over categories 1 to 4 together, and over each category."""
    pairs = list(zip(questions, rows, strict=True))
    answerable = mean(row for question, row in pairs if question.category != ABSENT)
    figures = {f"{prefix}{name}": value for name, value in answerable.items()}
    for category in sorted({question.category for question in questions}):
        means = mean(row for question, row in pairs if question.category == category)
        figures |= {f"{prefix}category_{category}.{name}": value for name, value in means.items()}
    return figures


async def measure(folder: Path, data: Path, embeddings: str) -> Row:
    """Return all figures."""
    async with open_dataset(folder, data, embeddings) as dataset:
        questions = dataset.questions
        rows = [await measure_question(dataset, question) for question in questions]
        figures = by_category("", questions, rows)
        training = await examples(dataset)
        for prefix, names in (("left_out.", ()), ("left_out.no_speaker.", SPEAKER_FEATURES)):
            rows = await cross_validate(dataset, training, features_without(*names))
            figures |= by_category(prefix, dataset.answerable, rows)
        figures |= await measure_absence(dataset)
        costs = {
            item.key: count_text(str(item.value["text"])) + MESSAGE_OVERHEAD
            for items in dataset.messages.values()
            for item in items
        }
        with closing(Peers(dataset)) as peers:
            for name, order in peers.orders.items():
                rows = [measure_peer(costs, question, order) for question in questions]
                figures |= by_category(f"{name}.", questions, rows)
    return figures


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--embeddings", default="static", help="as in THREADKEEP_EMBEDDINGS")
    parser.add_argument("--sizes", action="store_true", help="how long a query takes, instead")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.sizes and not options.data:
        parser.error("--data FILE or --sizes")
    with tempfile.TemporaryDirectory() as folder:
        if options.sizes:
            figures = run(measure_sizes(Path(folder), options.embeddings))
            met = {
                "ms_per_query <= 10 at 10,000": figures["ms_per_query_at_10000"] <= 10,
                "ms_per_query <= 25 at 100,000": figures["ms_per_query_at_100000"] <= 25,
            }
        else:
            figures = run(measure(Path(folder), options.data, options.embeddings))
            met = _met(figures)
    report("recall", figures, met, as_json=options.json)


def _met(figures: Row) -> dict[str, bool]:
    targets = {
        "left_out.recall@10": 0.80,
        "left_out.recall_in_1000_tokens": 0.85,
        "left_out.no_speaker.recall@10": 0.77,
        "left_out.no_speaker.recall_in_1000_tokens": 0.83,
    }
    met = {f"{name} >= {target:.2f}": figures[name] >= target for name, target in targets.items()}
    return met | {"ms_per_query <= 10": figures["ms_per_query"] <= 10}


if __name__ == "__main__":
    main()
