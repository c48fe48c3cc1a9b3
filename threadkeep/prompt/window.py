"""Token budgets of one prompt, and where in a thread they begin to count."""

from dataclasses import dataclass

from threadkeep.base.errors import BadInput
from threadkeep.base.tokens import count_message
from threadkeep.graph.context import Context
from threadkeep.prompt.texts import system_message

PRIMING = 3
"""Tokens that every prompt costs beside its messages."""
SUMMARY_FENCE = 60
"""Tokens that the summary's message costs beside its words: fence and headings."""
SUMMARY_SHARE = 0.2
SMALLEST_SUMMARY = 240
PROSE_SHARE, EXTRACT_SHARE, PIN_SHARE = 0.45, 0.2, 0.35
HIGH_SHARE, LOW_SHARE = 0.8, 0.25
LEAST_HISTORY = 32
"""Tokens of history without which not even a short question fits."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """Token budgets of one prompt, in tokens as counted here.

    Nothing is folded until `high`; then down to `low`. `ratio` is what the provider reports for
    each token counted here.
    """

    prompt: int
    system: int
    summary: int
    """What the summary's message may take in the prompt; 0 where the preset shows none."""
    coverage: int
    """What the summary's message may take wherever it is shown."""
    ratio: float = 1.0

    @property
    def history(self) -> int:
        """What messages and memories may take together, with the summary at its largest."""
        return self.prompt - self.system - self.summary - PRIMING

    @property
    def prose(self) -> int:
        """What the text of the summary may take."""
        return int(self._words * PROSE_SHARE)

    @property
    def extract(self) -> int:
        """What quoted sentences may take that stand in for a summary."""
        return int(self._words * EXTRACT_SHARE)

    @property
    def pins(self) -> int:
        """What pins may take."""
        return int(self._words * PIN_SHARE)

    @property
    def high(self) -> int:
        """Where compaction begins."""
        return int(self.history * HIGH_SHARE)

    @property
    def low(self) -> int:
        """Where compaction ends."""
        return int(self.history * LOW_SHARE)

    @property
    def _words(self) -> int:
        return max(0, self.coverage - SUMMARY_FENCE)


def window_of(context: Context, *, ratio: float = 1.0, most: int | None = None) -> Window:
    """Return the budgets that `context` leaves, in prompts of at most `most` reported tokens.

    Raises:
        BadInput: the system prompt takes more than half of the prompt, or nothing is left.
    """
    system = count_message(system_message(context.system_prompt))
    allowed = context.prompt_tokens if most is None else min(most, context.prompt_tokens)
    if system > allowed // 2 or allowed - system - PRIMING < LEAST_HISTORY:
        raise BadInput(
            f"Context: system_prompt takes {system} of the {allowed} tokens that "
            "max_tokens leaves beside reserve_tokens; shorten it or raise max_tokens."
        )
    # However many tokens the provider reports, the question keeps its place.
    ratio = min(ratio, allowed / max(2 * system, system + PRIMING + LEAST_HISTORY))
    prompt = int(allowed / ratio)
    share = _summary(prompt - system)
    return Window(
        prompt=prompt,
        system=system,
        summary=share if context.summarizes else 0,
        coverage=share,
        ratio=ratio,
    )


def _summary(room: int) -> int:
    share = max(int(room * SUMMARY_SHARE), min(SMALLEST_SUMMARY, room // 3))
    return share if share > SUMMARY_FENCE else 0
