"""The token budgets of one prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage

from threadkeep.base.errors import BadInput
from threadkeep.base.tokens import count_message
from threadkeep.graph.context import Context
from threadkeep.prompt.system_messages import system_prompt_of
from threadkeep.prompt.templates import system_message

PRIMING = 3
"""Tokens of every prompt beside its messages."""
SUMMARY_FENCE = 60
"""Tokens of the summary message beside its words: fence and headings."""
SUMMARY_SHARE = 0.2
MIN_SUMMARY = 240
PROSE_SHARE, EXTRACT_SHARE, PASSAGES_SHARE = 0.45, 0.2, 0.35
HIGH_SHARE, LOW_SHARE = 0.8, 0.25
MIN_HISTORY = 32
"""Tokens that a short question needs."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The token budgets of one prompt, in tokens as counted here.

    `ratio` is the number of tokens that the provider reports for each token counted here.
    """

    prompt: int
    system: int
    system_prompt: str = ""
    """Of the context, and the thread's own system messages."""
    summary: int
    """Of the summary message in the prompt; 0 if the preset shows none."""
    coverage: int
    """Of the summary message in presets that show one."""
    ratio: float = 1.0

    @property
    def history(self) -> int:
        """Tokens for messages and memory blocks, with the summary at its largest."""
        return self.prompt - self.system - self.summary - PRIMING

    @property
    def prose(self) -> int:
        """Tokens for the text of the summary."""
        return int(self._words * PROSE_SHARE)

    @property
    def extract(self) -> int:
        """Tokens for quoted sentences that wait for a summary."""
        return int(self._words * EXTRACT_SHARE)

    @property
    def passages(self) -> int:
        """Tokens for literal passages."""
        return int(self._words * PASSAGES_SHARE)

    @property
    def high(self) -> int:
        """Tokens of history above which compaction starts: the high watermark."""
        return int(self.history * HIGH_SHARE)

    @property
    def low(self) -> int:
        """Tokens of history that compaction leaves: the low watermark."""
        return int(self.history * LOW_SHARE)

    @property
    def _words(self) -> int:
        return max(0, self.coverage - SUMMARY_FENCE)


def window_of(
    context: Context,
    messages: Sequence[AnyMessage] = (),
    *,
    ratio: float = 1.0,
    limit: int | None = None,
) -> Window:
    """Return the budgets of `context`, for prompts of at most `limit` reported tokens.

    The system messages among `messages` belong to the system prompt.

    Raises:
        BadInput: the system prompt takes more than half of the prompt, or no history fits.
    """
    system = count_message(system_message(context.system_prompt))
    allowed = context.prompt_tokens if limit is None else min(limit, context.prompt_tokens)
    if system > allowed // 2 or allowed - system - PRIMING < MIN_HISTORY:
        raise BadInput(
            f"Context: system_prompt takes {system} of the {allowed} tokens that "
            "max_tokens leaves beside reserve_tokens; shorten it or raise max_tokens."
        )
    system_prompt = system_prompt_of(context.system_prompt, messages, allowed)
    system = count_message(system_message(system_prompt))
    # However many tokens the provider reports, there is room for the question.
    ratio = min(ratio, allowed / max(2 * system, system + PRIMING + MIN_HISTORY))
    prompt = int(allowed / ratio)
    share = _summary_budget(prompt - system)
    return Window(
        prompt=prompt,
        system=system,
        system_prompt=system_prompt,
        summary=share if context.summarizes else 0,
        coverage=share,
        ratio=ratio,
    )


def _summary_budget(room: int) -> int:
    share = max(int(room * SUMMARY_SHARE), min(MIN_SUMMARY, room // 3))
    return share if share > SUMMARY_FENCE else 0
