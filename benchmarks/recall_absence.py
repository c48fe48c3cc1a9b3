"""How often a question without an answer recalls something, and one with an answer nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.locomo import ABSENT, Dataset, Question
from threadkeep.stores.namespaces import all_messages_of

MISSED_SHARES = (0.005, 0.01, 0.02, 0.03, 0.05)


async def measure_absence(dataset: Dataset) -> dict[str, float]:
    """Return both error rates of the floor, and those of other floors.

    The questions of categories 1 to 4 are asked in their own conversation and in the next one.
    The answers of category 5 are in no turn, but turns that match the question are.
    """
    searcher = dataset.store.searcher
    shipped = searcher.weights
    searcher.weights = replace(shipped, floor=0.0)
    owners = list(dict.fromkeys(question.owner for question in dataset.questions))
    next_owner = dict(zip(owners, owners[1:] + owners[:1], strict=True))
    answerable = dataset.answerable
    absent = [question for question in dataset.questions if question.category == ABSENT]
    own_owners = [question.owner for question in answerable]
    other_owners = [next_owner[owner] for owner in own_owners]
    own = await _best_scores(dataset, answerable, own_owners)
    others = await _best_scores(dataset, answerable, other_owners)
    unanswerable = await _best_scores(dataset, absent, [question.owner for question in absent])
    searcher.weights = shipped
    floor = shipped.floor
    figures = {
        "absent.nothing_of_own": float((own < floor).mean()),
        "absent.recalled_of_others": float((others >= floor).mean()),
        "absent.recalled_in_category_5": (
            float((unanswerable >= floor).mean()) if len(absent) else 0.0
        ),
        "absent.floor": floor,
    }
    for share in MISSED_SHARES:
        other_floor = float(np.quantile(own, share))
        figures[f"absent.recalled_of_others_where_{share:.1%}_of_own_is_missed"] = float(
            (others >= other_floor).mean()
        )
    return figures


async def _best_scores(
    dataset: Dataset, questions: Sequence[Question], owners: Sequence[str]
) -> np.ndarray:
    """Return the highest score of each question among the messages of an owner, or 0."""
    scores = []
    for question, owner in zip(questions, owners, strict=True):
        namespace = all_messages_of(owner)
        items = await dataset.store.asearch(namespace, query=question.text, limit=1)
        scores.append(max((item.score or 0.0 for item in items), default=0.0))
    return np.array(scores)
