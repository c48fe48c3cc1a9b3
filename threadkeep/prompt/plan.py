"""Put a prompt together: what is shown within the budget, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import count_message, cut_middle
from threadkeep.graph.context import Context
from threadkeep.graph.state import Ledger, RecalledTurn, State, Update
from threadkeep.prompt.coverage import Coverage, messages_before
from threadkeep.prompt.exchanges import Exchange, newest_user_message, starts_with_user
from threadkeep.prompt.large_messages import shorten_oversized
from threadkeep.prompt.ledger import PromptParts, ledger_of, shortened_entry
from threadkeep.prompt.memory_blocks import (
    MemoryBlocks,
    exchange_tokens,
    gather_at_newest,
    group_by_message,
    recalled_in_prompt,
)
from threadkeep.prompt.newest_exchange import fit_newest
from threadkeep.prompt.pinned_block import fit_pins, pinned_budget
from threadkeep.prompt.system_messages import without_system
from threadkeep.prompt.templates import (
    insert_blocks,
    pinned_message,
    summary_message,
    system_message,
)
from threadkeep.prompt.visible_history import (
    history_limit,
    max_exchanges,
    newest_within,
    visible_exchanges,
)
from threadkeep.prompt.window import PRIMING, Window, window_of


@dataclass(frozen=True, kw_only=True)
class PromptPlan:
    """The prompt of one turn, and the coverage of the messages that it leaves out."""

    prompt: list[AnyMessage]
    ledger: Ledger
    coverage: Coverage
    recalled: list[RecalledTurn]
    """The recalled items that are in the prompt; others may be recalled again."""

    def update(self, state: State) -> Update:
        """Return the state update of a node; unchanged channels are not written."""
        changed: Update = {
            "llm_input_messages": {"messages": self.prompt},
            "ledger": self.ledger,
        }
        if self.coverage != Coverage.of(state):
            changed |= self.coverage.update
        if self.recalled != state.recalled:
            changed["recalled"] = self.recalled
        return changed


def plan_prompt(
    state: State, items: Sequence[RecalledItem], context: Context, window: Window | None = None
) -> PromptPlan:
    """Return a valid prompt within the budget; it always holds the newest user message.

    Raises:
        BadInput: there is no user message, or the system prompt leaves no room.
    """
    window = window or window_of(context, state.messages)
    if newest_user_message(state.messages) is None:
        raise BadInput("The thread has no message from a user; send one.")
    coverage, blocks = Coverage.of(state), group_by_message(items, state.messages)
    pinned = pinned_message(fit_pins(items, pinned_budget(context, window)))
    summary = _summary_messages(coverage, context, window)
    exchanges = visible_exchanges(state, coverage, context)
    originals, limit = exchanges, history_limit(context, _room(pinned, summary, window))
    exchanges = shorten_oversized(exchanges, limit)
    visible = newest_within(exchanges[-max_exchanges(context) :], blocks, limit)
    incomplete = len(visible) < len(exchanges) or _lacks_a_question(visible, summary)
    if context.summarizes and incomplete:
        # Cover the exchanges that leave the prompt now; their recalled items move to the newest.
        blocks = gather_at_newest(blocks, visible[-1], context.recall_tokens)
        visible = newest_within(list(filter(starts_with_user, exchanges)), blocks, window.low)
        dropped = messages_before(coverage.uncovered(state.messages), visible[0][0].id)
        dropped = without_system(dropped)
        coverage = coverage.extend_extract(dropped, window)
        summary = _summary_messages(coverage, context, window)
    recent = [message for exchange in visible[:-1] for message in exchange]
    room = _room(pinned, summary, window) - exchange_tokens(recent, blocks)
    newest, blocks = fit_newest(visible[-1], blocks, room)
    parts = _parts(window.system_prompt, pinned, summary, recent, newest, blocks)
    return PromptPlan(
        prompt=list(parts.prompt),
        ledger=ledger_of(parts, context, window) | shortened_entry(originals, parts),
        coverage=coverage,
        recalled=recalled_in_prompt(parts.prompt, blocks, state.recalled),
    )


def _parts(
    system_prompt: str,
    pinned: list[AnyMessage],
    summary: list[AnyMessage],
    recent: list[AnyMessage],
    newest: list[AnyMessage],
    blocks: MemoryBlocks,
) -> PromptParts:
    system = system_message(system_prompt)
    history = [*recent, *newest]
    ids = {message.id for message in history}
    return PromptParts(
        system=system,
        pinned=pinned,
        summary=summary,
        recent=recent,
        newest=newest,
        memories=[items for before, items in blocks.items() if before in ids],
        prompt=[system, *pinned, *summary, *insert_blocks(history, blocks.messages)],
    )


def _summary_messages(coverage: Coverage, context: Context, window: Window) -> list[AnyMessage]:
    """Return the summary message, if the preset has one and it fits."""
    if not context.summarizes:
        return []
    messages = summary_message(coverage.summary, coverage.extract, coverage.passages)
    if sum(map(count_message, messages)) > 2 * window.summary:
        # The summary was written for a larger window.
        prose = cut_middle(coverage.summary, window.prose)
        messages = summary_message(prose, cut_middle(coverage.extract, window.extract))
    return messages if sum(map(count_message, messages)) <= 2 * window.summary else []


def _lacks_a_question(visible: Sequence[Exchange], summary: Sequence[AnyMessage]) -> bool:
    """Return whether the conversation would open with an answer."""
    return not summary and not starts_with_user(visible[0])


def _room(pinned: Sequence[AnyMessage], summary: Sequence[AnyMessage], window: Window) -> int:
    """Return the tokens that are free for messages and memories."""
    pins = sum(map(count_message, pinned))
    share = max(sum(map(count_message, summary)), window.summary)
    return window.prompt - window.system - PRIMING - pins - share
