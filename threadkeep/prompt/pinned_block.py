"""Which pins fit into the prompt: a budget of their own, the earliest pins first."""

from collections.abc import Sequence

from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.graph.context import Context
from threadkeep.prompt.memory_budget import BlockFiller
from threadkeep.prompt.window import PRIMING, Window, window_of

WINDOW_SHARE = 4
"""Pins take at most 1/4 of the tokens for messages and memories."""


def fit_pins(items: Sequence[RecalledItem], budget: int) -> list[RecalledItem]:
    """Return the pinned items that fit into `budget` tokens, the earliest pins first.

    A later pin never displaces an earlier one.
    """
    filler = BlockFiller(budget, PINNED)
    for item in items:
        if item.get("before") == PINNED:
            filler.add(item)
    return filler.items


def pinned_budget(context: Context, window: Window | None = None) -> int:
    """Return how many tokens pins may take: `pinned_tokens`, less in a small window."""
    window = window or window_of(context)
    return min(context.pinned_tokens, (window.prompt - window.system - PRIMING) // WINDOW_SHARE)
