"""How well the right turn is recalled: `python -m benchmarks.recall --data FILE --json`.

FILE is in LoCoMo's format. Asked is the product itself: its import, its store, its node
`retrieve_memories`; beside it, on the same messages, what people had before. A figure is the share
of a question's annotated turns that is recalled, averaged over the questions of categories 1 to 4.

The first figures are those of the weights in search/ranking.py. Those that begin with `left_out`
are of weights fitted anew for each conversation, on the others alone; `left_out.no_speaker` also
does without who is named and who speaks. `absent` is about questions that have no answer: those of
category 5 and those asked of somebody else's memory. `--sizes` measures the time of a query among
10,000 and 100,000 messages of one user.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from langchain_core.messages import HumanMessage
from langchain_core.runnables.config import set_config_context
from langgraph.runtime import Runtime

from benchmarks.fit_ranking import Chosen, Example, every_feature_but, examples, fit
from benchmarks.locomo import ABSENT, Asked, Question, open_imported
from benchmarks.recall_absence import measure_absence
from benchmarks.recall_peers import Peers
from benchmarks.recall_sizes import measure_sizes
from benchmarks.report import report
from threadkeep.base.memory_block import RecalledItem, render_memories
from threadkeep.base.tokens import count_text
from threadkeep.cli.event_loop import run
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.nodes.retrieve_memories import retrieve_memories

DEPTHS, BUDGETS, DEEP = (5, 10, 20), (500, 1_000, 2_000), 4_000
"""In `DEEP` tokens the first twenty have room, however long they are."""
SPEAKER = ("speaker", "subject")
Order = Callable[[Question], Sequence[str]]
Row = dict[str, float]
"""The figures of one question."""


async def recalled(asked: Asked, question: Question, tokens: int) -> list[RecalledItem]:
    """Return what the product recalls for a question, the best first."""
    user = question.user
    context = Context(
        user_id=user, memory="vector", max_tokens=tokens + 20_000, recall_tokens=tokens
    )
    state = State(messages=[HumanMessage(question.text, id="asked")])
    node = retrieve_memories(state, Runtime(context=context, store=asked.store))
    with set_config_context({"configurable": {"thread_id": "asked", "user_id": user}}) as config:
        update = await asyncio.create_task(node, context=config)
    return sorted(update.get("memories", []), key=lambda memory: -memory.get("score", 0.0))


def share(ids: Sequence[str], question: Question) -> float:
    """Return the share of the evidence that is among the ids."""
    return len(question.evidence.intersection(ids)) / len(question.evidence)


def reciprocal_rank(ids: Sequence[str], question: Question) -> float:
    """Return 1 / the rank of the first evidence, 0 where none is found."""
    ranks = (rank for rank, each in enumerate(ids, start=1) if each in question.evidence)
    return 1 / next(ranks, float("inf"))


def mean(rows: Iterable[Mapping[str, float]]) -> Row:
    """Return the average of each figure."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in columns.items()}


async def ask(asked: Asked, question: Question, budgets: Sequence[int] = (*BUDGETS, DEEP)) -> Row:
    """Return the product's figures for one question."""
    row: Row = {}
    for budget in budgets:
        began = time.perf_counter()
        memories = await recalled(asked, question, budget)
        took = (time.perf_counter() - began) * 1000
        ids = [memory["id"] for memory in memories]
        if budget in BUDGETS:
            row[f"recall_in_{budget}_tokens"] = share(ids, question)
        if budget == 1_000:
            row["ms_per_query"] = took
            row["block_tokens"] = count_text(render_memories(memories))
            row["nothing"] = float(not memories)
        if budget == DEEP:
            row |= {f"recall@{depth}": share(ids[:depth], question) for depth in DEPTHS}
            row["mrr"] = reciprocal_rank(ids, question)
    return row


async def ask_left_out(
    asked: Asked, known: Sequence[Example], questions: Sequence[Question], chosen: Chosen
) -> list[Row]:
    """Return the same with weights fitted on all conversations but that of the question."""
    shipped, rows = asked.store.searcher.weights, []
    for user in dict.fromkeys(question.user for question in questions):
        others = [each for each in known if each.user != user]
        asked.store.searcher.weights = replace(fit(others, chosen), floor=shipped.floor)
        of_user = [each for each in questions if each.user == user]
        rows += [await ask(asked, each, (1_000, DEEP)) for each in of_user]
    asked.store.searcher.weights = shipped
    return rows


def ask_peer(costs: Mapping[str, int], question: Question, order: Order) -> Row:
    """Return the figures of an older way to recall for one question."""
    ids = order(question)
    row = {f"recall@{depth}": share(ids[:depth], question) for depth in DEPTHS}
    row["mrr"] = reciprocal_rank(ids, question)
    for budget in BUDGETS:
        left, kept = budget, []
        for each in ids:
            left -= costs[each]
            if left < 0:
                break
            kept.append(each)
        row[f"recall_in_{budget}_tokens"] = share(kept, question)
    return row


def by_category(prefix: str, questions: Sequence[Question], rows: Sequence[Row]) -> Row:
    """Return the averages over categories 1 to 4 together, and over each category."""
    rated = list(zip(questions, rows, strict=True))
    figures = {
        f"{prefix}{name}": value
        for name, value in mean(row for each, row in rated if each.category != ABSENT).items()
    }
    for category in sorted({question.category for question in questions}):
        found = mean(row for each, row in rated if each.category == category)
        figures |= {f"{prefix}category_{category}.{name}": value for name, value in found.items()}
    return figures


async def measure(folder: Path, data: Path, embeddings: str) -> Row:
    """Return all figures."""
    async with open_imported(folder, data, embeddings) as asked:
        every = asked.questions
        rows = [await ask(asked, question) for question in every]
        figures = by_category("", every, rows)
        present = [question for question in every if question.category != ABSENT]
        known = await examples(asked)
        for prefix, left_out in (("left_out.", ()), ("left_out.no_speaker.", SPEAKER)):
            found = await ask_left_out(asked, known, present, every_feature_but(*left_out))
            figures |= by_category(prefix, present, found)
        figures |= await measure_absence(asked)
        costs = {
            item.key: count_text(str(item.value["text"])) + 8
            for items in asked.messages.values()
            for item in items
        }
        with closing(Peers(asked)) as peers:
            for name, order in peers.orders.items():
                found = [ask_peer(costs, question, order) for question in every]
                figures |= by_category(f"{name}.", every, found)
    return figures


def main() -> None:
    """Measure in a folder that is thrown away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--embeddings", default="static", help="as in THREADKEEP_EMBEDDINGS")
    parser.add_argument("--sizes", action="store_true", help="how long a query takes, instead")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.sizes and not given.data:
        parser.error("--data FILE or --sizes")
    with tempfile.TemporaryDirectory() as folder:
        if given.sizes:
            figures = run(measure_sizes(Path(folder), given.embeddings))
            met = {
                "ms_per_query <= 10 at 10,000": figures["ms_per_query_at_10000"] <= 10,
                "ms_per_query <= 25 at 100,000": figures["ms_per_query_at_100000"] <= 25,
            }
        else:
            figures = run(measure(Path(folder), given.data, given.embeddings))
            met = _met(figures)
    report("recall", figures, met, as_json=given.json)


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
