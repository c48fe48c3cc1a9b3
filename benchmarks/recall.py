"""How well the right message is recalled: `python -m benchmarks.recall --data FILE FILE --json`.

FILES are in LoCoMo's format; the generated kinds of `benchmarks/recall_kinds` are measured too. The
product itself is asked: its import, its store and its node `retrieve_memories`; and, on the same
messages, older ways to recall. A figure is the share of a question's annotated messages that is
recalled, averaged over the questions of a corpus; LoCoMo's category 5 has no answer.

Every corpus is asked with weights fitted on all the others (leave one corpus out), and, under
`shipped`, with those of search/weights.py. `nothing_of_own` is the share of questions that recall
nothing, `of_unrelated` the share of questions about something else that recall something,
`of_others` the same for the questions of the next conversation. `--sizes` measures the time of a
query among 10,000 and 100,000 messages of one user instead.
"""

import argparse
import asyncio
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from langchain_core.messages import HumanMessage
from langchain_core.runnables.config import set_config_context
from langgraph.runtime import Runtime

from benchmarks.fit_ranking import fit, strengths_of
from benchmarks.locomo import Dataset, Question
from benchmarks.recall_corpora import open_corpora
from benchmarks.recall_examples import Corpus, Example
from benchmarks.recall_peers import Peers
from benchmarks.recall_sizes import measure_sizes
from benchmarks.report import report
from threadkeep.base.memory_block import RecalledItem, render_memories
from threadkeep.base.tokens import count_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.nodes.retrieve_memories import retrieve_memories
from threadkeep.process import run
from threadkeep.search.weights import Weights

DEPTHS, BUDGET, DEEP_BUDGET = (5, 10, 20), 1_000, 4_000
"""`DEEP_BUDGET` tokens hold the first twenty messages, however long they are."""
MESSAGE_OVERHEAD = 8
"""Tokens of a recalled message beside its text."""
TARGETS = {
    "locomo-dev.recall@10": 0.80,
    "locomo-dev.recall_in_1000_tokens": 0.85,
    "beam-dev.recall@5": 0.72,
    "beam-dev.recall@10": 0.80,
}
MAX_MISSED, MAX_UNRELATED, MAX_MILLISECONDS = 0.02, 0.10, 10
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


def at_depths(ids: Sequence[str], question: Question) -> Row:
    """Return the figures of an order of messages, whatever their length."""
    ranks = (rank for rank, key in enumerate(ids, start=1) if key in question.evidence)
    row = {f"recall@{depth}": share(ids[:depth], question) for depth in DEPTHS}
    return row | {"mrr": 1 / next(ranks, float("inf"))}


def mean(rows: Iterable[Mapping[str, float]]) -> Row:
    """Return the average of each figure over the rows that have it."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in columns.items()}


async def measure_question(dataset: Dataset, question: Question) -> Row:
    """Return the product's figures for one question."""
    start = time.perf_counter()
    memories = await recall(dataset, question, BUDGET)
    milliseconds = (time.perf_counter() - start) * 1000
    ids = [memory["id"] for memory in memories]
    row = {
        "recall_in_1000_tokens": share(ids, question),
        "ms_per_query": milliseconds,
        "block_tokens": count_text(render_memories(memories)),
        "messages": len(memories),
        "nothing_of_own": float(not memories),
    }
    if question.answer:
        words = _normalised(question.answer)
        row["answer_shown"] = float(any(words in _normalised(m["text"]) for m in memories))
    deep = [memory["id"] for memory in await recall(dataset, question, DEEP_BUDGET)]
    if question.newest in deep:
        older = question.evidence.difference((question.newest,))
        row["newest_first"] = float(older.isdisjoint(deep[: deep.index(question.newest)]))
    return row | at_depths(deep, question)


async def measure_corpus(prefix: str, corpus: Corpus, weights: Weights) -> Row:
    """Return the figures of a corpus with some weights, and those by category."""
    searcher = corpus.dataset.store.searcher
    shipped, searcher.weights = searcher.weights, weights
    questions = corpus.dataset.answerable
    rows = [await measure_question(corpus.dataset, question) for question in questions]
    searcher.weights = shipped
    figures = {f"{prefix}{name}": value for name, value in mean(rows).items()}
    for category in sorted({question.category for question in questions}):
        means = mean(
            row
            for question, row in zip(questions, rows, strict=True)
            if question.category == category
        )
        figures[f"{prefix}category_{category}.recall@10"] = means["recall@10"]
    unrelated = [_recalls(one, weights) for one in corpus.unrelated]
    asked = len(corpus.dataset.messages) * corpus.unrelated_per_owner
    figures[f"{prefix}of_unrelated"] = sum(unrelated[:asked]) / asked
    if others := unrelated[asked:]:
        figures[f"{prefix}of_others"] = sum(others) / len(others)
    return figures


def measure_peers(prefix: str, dataset: Dataset) -> Row:
    """Return the figures of older ways to recall."""
    costs = {
        item.key: count_text(str(item.value["text"])) + MESSAGE_OVERHEAD
        for items in dataset.messages.values()
        for item in items
    }
    figures: Row = {}
    with closing(Peers(dataset)) as peers:
        for name, order in peers.orders.items():
            means = mean(_measure_peer(costs, question, order) for question in dataset.answerable)
            figures |= {f"{prefix}{name}.{figure}": value for figure, value in means.items()}
    return figures


async def measure(folder: Path, files: Sequence[Path], embeddings: str) -> Row:
    """Return all figures."""
    figures: Row = {}
    async with open_corpora(folder, files, embeddings) as corpora:
        for corpus in corpora:
            weights = fit([other for other in corpora if other is not corpus])
            figures |= await measure_corpus(f"{corpus.name}.", corpus, weights)
            shipped = corpus.dataset.store.searcher.weights
            figures |= await measure_corpus(f"{corpus.name}.shipped.", corpus, shipped)
            figures |= measure_peers(f"{corpus.name}.", corpus.dataset)
    return figures


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--embeddings", default="static", help="as in THREADKEEP_EMBEDDINGS")
    parser.add_argument("--sizes", action="store_true", help="how long a query takes, instead")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
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


def _recalls(one: Example, weights: Weights) -> bool:
    strengths = strengths_of(one, weights.array, weights.bias)
    return weights.has_answer(strengths) >= weights.floor


def _measure_peer(costs: Mapping[str, int], question: Question, order: Order) -> Row:
    ids = order(question)
    totals = list(accumulate(costs[key] for key in ids))
    in_budget = share(ids[: bisect_right(totals, BUDGET)], question)
    return at_depths(ids, question) | {"recall_in_1000_tokens": in_budget}


def _normalised(text: str) -> str:
    return " ".join(text.split())


def _met(figures: Row) -> dict[str, bool]:
    met = {
        f"{name} >= {target:.2f}": figures[name] >= target
        for name, target in TARGETS.items()
        if name in figures
    }
    limits = (
        ("nothing_of_own", MAX_MISSED),
        ("of_unrelated", MAX_UNRELATED),
        ("ms_per_query", MAX_MILLISECONDS),
    )
    for name, value in figures.items():
        for ending, limit in limits:
            if name.endswith(f".{ending}") and ".shipped." not in name:
                met[f"{name} <= {limit}"] = value <= limit
    return met


if __name__ == "__main__":
    main()
