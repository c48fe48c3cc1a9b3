"""How often something is recalled where there is nothing, and nothing where there is something."""

from dataclasses import replace

import numpy as np

from benchmarks.locomo import ABSENT, Asked, Question
from threadkeep.stores.namespaces import all_messages_of

MISSED = (0.005, 0.01, 0.02, 0.03, 0.05)


async def measure_absence(asked: Asked) -> dict[str, float]:
    """Return both errors of the floor, and what other floors would trade one for the other.

    Asked are the questions of categories 1 to 4 in their own conversation, in the next one, and
    those of category 5, whose answers are in no turn though the turns they seem to mean are there.
    """
    floor = asked.store.searcher.weights.floor
    asked.store.searcher.weights = replace(asked.store.searcher.weights, floor=0.0)
    owners = list(dict.fromkeys(question.owner for question in asked.questions))
    present = [each for each in asked.questions if each.category != ABSENT]
    next_ones = [owners[(owners.index(each.owner) + 1) % len(owners)] for each in present]
    of_own = np.array([await best(asked, each, each.owner) for each in present])
    of_others = np.array(
        [await best(asked, each, owner) for each, owner in zip(present, next_ones, strict=True)]
    )
    absent = [each for each in asked.questions if each.category == ABSENT]
    of_none = np.array([await best(asked, each, each.owner) for each in absent])
    asked.store.searcher.weights = replace(asked.store.searcher.weights, floor=floor)
    figures = {
        "absent.nothing_of_own": float((of_own < floor).mean()),
        "absent.recalled_of_others": float((of_others >= floor).mean()),
        "absent.recalled_in_category_5": float((of_none >= floor).mean()) if len(absent) else 0.0,
        "absent.floor": floor,
    }
    for share in MISSED:
        at = float(np.quantile(of_own, share))
        figures[f"absent.recalled_of_others_where_{share:.1%}_of_own_is_missed"] = float(
            (of_others >= at).mean()
        )
    return figures


async def best(asked: Asked, question: Question, owner: str) -> float:
    """Return the score of what comes first in an owner's messages, 0 where nothing does.

    Of every conversation as if it had 500 messages or more: what the floor is for.
    """
    found = await asked.store.asearch(all_messages_of(owner), query=question.text, limit=1)
    return max((item.score or 0.0 for item in found), default=0.0)
