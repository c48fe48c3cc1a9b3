"""How well the right turn is recalled: `python -m benchmarks.recall --data FILE --json`.

FILE is in LoCoMo's format. Asked is the product itself: its import, its store, its node
`retrieve_memories`; beside it, on the same messages, what people had before. A figure is the share
of a question's annotated turns that is recalled, averaged over the questions of categories 1 to 4;
`absent` is about category 5 and about questions asked of somebody else's memory.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from benchmarks.locomo import ABSENT, Asked, Question, open_imported
from benchmarks.recall_peers import Peers
from benchmarks.report import report
from chat_models.tokens import count_text
from cli.event_loop import run
from graph.context import Context
from graph.memories import Memory, render_memories
from graph.state import State
from nodes.retrieve_memories import retrieve_memories

DEPTHS, BUDGETS = (5, 10, 20), (500, 1_000, 2_000)
Order = Callable[[Question], Sequence[str]]


async def recalled(asked: Asked, question: Question, user: str, tokens: int) -> list[Memory]:
    """Return what the product recalls for a question, the best first."""
    context = Context(
        user_id=user, memory="vector", max_tokens=tokens + 20_000, recall_tokens=tokens
    )
    state = State(messages=[HumanMessage(question.text, id="asked")])
    update = await retrieve_memories(state, Runtime(context=context, store=asked.store))
    return list(update.get("memories", []))


def share(ids: Sequence[str], question: Question) -> float:
    """Return the share of the evidence that is among the ids."""
    return len(question.evidence.intersection(ids)) / len(question.evidence)


def reciprocal_rank(ids: Sequence[str], question: Question) -> float:
    """Return 1 / the rank of the first evidence, 0 where none is found."""
    ranks = (rank for rank, each in enumerate(ids, start=1) if each in question.evidence)
    return 1 / next(ranks, float("inf"))


def mean(values: Sequence[float]) -> float:
    """Return the average."""
    return sum(values) / max(1, len(values))


async def measure_product(asked: Asked, questions: Sequence[Question]) -> dict[str, float]:
    """Return the product's figures for these questions."""
    found: dict[str, list[float]] = {}
    for question in questions:
        for budget in BUDGETS:
            began = time.perf_counter()
            memories = await recalled(asked, question, question.user, budget)
            took = (time.perf_counter() - began) * 1000
            ids = [memory["id"] for memory in memories]
            found.setdefault(f"recall_in_{budget}_tokens", []).append(share(ids, question))
            if budget == 1_000:
                found.setdefault("ms_per_query", []).append(took)
                block = count_text(render_memories(memories))
                found.setdefault("block_tokens", []).append(block)
        deep = [m["id"] for m in await recalled(asked, question, question.user, 20_000)]
        for depth in DEPTHS:
            found.setdefault(f"recall@{depth}", []).append(share(deep[:depth], question))
        found.setdefault("mrr", []).append(reciprocal_rank(deep, question))
    return {name: mean(values) for name, values in found.items()}


async def measure_absence(asked: Asked) -> dict[str, float]:
    """Return how often something is recalled where there is nothing to recall."""
    users = list(dict.fromkeys(question.user for question in asked.questions))
    present = [q for q in asked.questions if q.category != ABSENT]
    elsewhere = []
    for question in present:
        other = users[(users.index(question.user) + 1) % len(users)]
        elsewhere.append(float(bool(await recalled(asked, question, other, 1_000))))
    missed = [
        float(not await recalled(asked, question, question.user, 1_000)) for question in present
    ]
    return {"absent.recalled_of_others": mean(elsewhere), "absent.nothing_of_own": mean(missed)}


def measure_peer(asked: Asked, questions: Sequence[Question], order: Order) -> dict[str, float]:
    """Return the figures of an older way to recall."""
    costs = {
        item.key: count_text(str(item.value["text"])) + 8
        for items in asked.messages.values()
        for item in items
    }
    found: dict[str, list[float]] = {}
    for question in questions:
        ids = order(question)
        for depth in DEPTHS:
            found.setdefault(f"recall@{depth}", []).append(share(ids[:depth], question))
        for budget in BUDGETS:
            left, kept = budget, []
            for each in ids:
                left -= costs[each]
                if left < 0:
                    break
                kept.append(each)
            found.setdefault(f"recall_in_{budget}_tokens", []).append(share(kept, question))
        found.setdefault("mrr", []).append(reciprocal_rank(ids, question))
    return {name: mean(values) for name, values in found.items()}


async def measure(folder: Path, data: Path) -> dict[str, float]:
    """Return all figures."""
    figures: dict[str, float] = {}
    async with open_imported(folder, data) as asked:
        present = [q for q in asked.questions if q.category != ABSENT]
        figures |= await measure_product(asked, present)
        for category in sorted({question.category for question in asked.questions}):
            of_it = [q for q in asked.questions if q.category == category]
            found = await measure_product(asked, of_it)
            figures |= {f"category_{category}.{name}": value for name, value in found.items()}
        figures |= await measure_absence(asked)
        with closing(Peers(asked)) as peers:
            for name, order in peers.orders.items():
                found = measure_peer(asked, present, order)
                figures |= {f"{name}.{figure}": value for figure, value in found.items()}
    return figures


def main() -> None:
    """Measure in a folder that is thrown away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(measure(Path(folder), given.data))
    met = {
        "recall@10 >= 0.80": figures["recall@10"] >= 0.80,
        "recall_in_1000_tokens >= 0.85": figures["recall_in_1000_tokens"] >= 0.85,
        "ms_per_query <= 10": figures["ms_per_query"] <= 10,
    }
    report("recall", figures, met, as_json=given.json)


if __name__ == "__main__":
    main()
