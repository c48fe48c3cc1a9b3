"""Put a prompt together: what is shown within the budget, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import count_message, cut_middle
from threadkeep.graph.context import Context
from threadkeep.graph.state import Ledger, RecalledTurn, State, Update
from threadkeep.prompt.coverage import Coverage, before
from threadkeep.prompt.ledger import Shown, ledger_of
from threadkeep.prompt.memory_blocks import (
    Blocks,
    blocks_of,
    cost,
    gathered,
    recalled_in,
    within_budget,
)
from threadkeep.prompt.pinned_block import fit_pins, pinned_budget
from threadkeep.prompt.texts import pinned_message, summary_message, system_message, with_memories
from threadkeep.prompt.validity import (
    Exchange,
    newest_user_message,
    starts_with_user,
    steps,
    text_of,
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
    state: State, memories: Sequence[RecalledItem], context: Context, window: Window | None = None
) -> PromptPlan:
    """Return a valid prompt within the budget; it always holds the newest user message.

    Raises:
        BadInput: there is no user message, or the system prompt leaves no room.
    """
    window = window or window_of(context)
    if newest_user_message(state.messages) is None:
        raise BadInput("The thread has no message from a user; send one.")
    coverage, blocks = Coverage.of(state), blocks_of(memories, state.messages)
    pinned = pinned_message(fit_pins(memories, pinned_budget(context, window)))
    summary = summary_in(coverage, context, window)
    parts = visible_exchanges(state, coverage, context)
    limit = history_limit(context, _room(pinned, summary, window))
    visible = newest_within(parts[-max_exchanges(context) :], blocks, limit)
    if context.summarizes and (len(visible) < len(parts) or _lacks_a_question(visible, summary)):
        # Cover now what leaves the prompt; show the memories recalled for it with the newest.
        blocks = gathered(blocks, visible[-1], context.recall_tokens)
        visible = newest_within(list(filter(starts_with_user, parts)), blocks, window.low)
        dropped = before(coverage.uncovered(state.messages), visible[0][0].id)
        coverage = coverage.extracting(dropped, window)
        summary = summary_in(coverage, context, window)
    recent = [message for part in visible[:-1] for message in part]
    room = _room(pinned, summary, window) - cost(recent, blocks)
    newest, blocks = fit_newest(visible[-1], blocks, room)
    system = system_message(context.system_prompt)
    prompt = [
        system,
        *pinned,
        *summary,
        *with_memories([*recent, *newest], blocks.messages),
    ]
    ids = {message.id for message in (*recent, *newest)}
    filled = Shown(
        system=system,
        pinned=pinned,
        summary=summary,
        recent=recent,
        newest=newest,
        memories=[items for message_id, items in blocks.items() if message_id in ids],
        prompt=prompt,
    )
    return PromptPlan(
        prompt=prompt,
        ledger=ledger_of(filled, context, window),
        coverage=coverage,
        recalled=recalled_in(prompt, blocks, state.recalled),
    )


def summary_in(coverage: Coverage, context: Context, window: Window) -> list[AnyMessage]:
    """Return the summary message, if the preset has one and it fits."""
    if not context.summarizes:
        return []
    messages = summary_message(coverage.summary, coverage.extract, coverage.pins)
    if sum(map(count_message, messages)) > 2 * window.summary:
        # The summary was written for a larger window.
        prose = cut_middle(coverage.summary, window.prose)
        messages = summary_message(prose, cut_middle(coverage.extract, window.extract))
    return messages if sum(map(count_message, messages)) <= 2 * window.summary else []


def fit_newest(part: Exchange, blocks: Blocks, budget: int) -> tuple[Exchange, Blocks]:
    """Return the newest exchange within `budget`, and the memory blocks that still fit.

    The worst memories go first, then the oldest answers; at last the question is cut in the
    middle.
    """
    size = sum(map(count_message, part))
    fitting = within_budget(blocks, part, budget - size)
    question = newest_user_message(part)
    if size <= budget or question is None:
        return part, fitting
    question_size = count_message(question)
    if question_size > budget:
        empty = question.model_copy(update={"content": ""})
        words = cut_middle(text_of(question), max(1, budget - count_message(empty)))
        return [question.model_copy(update={"content": words})], fitting
    answers = [message for message in part if message is not question]
    return [question, *_newest_steps(answers, budget - question_size)], fitting


def _lacks_a_question(visible: Sequence[Exchange], summary: Sequence[AnyMessage]) -> bool:
    """Return whether the conversation would open with an answer."""
    return not summary and not starts_with_user(visible[0])


def _room(pinned: Sequence[AnyMessage], summary: Sequence[AnyMessage], window: Window) -> int:
    """Return the tokens that are free for messages and memories."""
    pins = sum(map(count_message, pinned))
    share = max(sum(map(count_message, summary)), window.summary)
    return window.prompt - window.system - PRIMING - pins - share


def _newest_steps(messages: Sequence[AnyMessage], budget: int) -> list[AnyMessage]:
    """Return the newest answers within `budget`, each call with its results."""
    fitting: list[list[AnyMessage]] = []
    for step in reversed(steps(messages)):
        budget -= sum(map(count_message, step))
        if budget < 0:
            break
        fitting.append(step)
    return [message for step in reversed(fitting) for message in step]
