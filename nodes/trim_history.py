"""Decide which messages are shown within the budget, and write down what fills the window."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.tokens import count_message, cut_middle
from threadkeep.graph.context import Context
from threadkeep.graph.state import Ledger, Recalled, State, Update
from threadkeep.knowledge.pins import fitting, pinned_budget
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
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.run_owner import context_of, store_of
from threadkeep.prompt.texts import pinned_message, summary_message, system_message, with_memories
from threadkeep.prompt.validity import (
    Exchange,
    exchanges,
    newest_user_message,
    repair,
    steps,
    text_of,
)
from threadkeep.prompt.window import PRIMING, Window, window_of

EVERYTHING = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The prompt of one turn, and what stands in for the messages that it leaves out."""

    prompt: list[AnyMessage]
    ledger: Ledger
    coverage: Coverage
    recalled: list[Recalled]
    """Those recalled memories that stand in the prompt; the others may be recalled again."""

    def update(self, state: State) -> Update:
        """Return it as what a node returns; what has not changed is not written again."""
        changed: Update = {
            "llm_input_messages": {"messages": self.prompt},
            "ledger": self.ledger,
        }
        if self.coverage != Coverage.of(state):
            changed |= self.coverage.update
        if self.recalled != state.recalled:
            changed["recalled"] = self.recalled
        return changed


async def trim_history(state: State, runtime: Runtime[Context]) -> Update:
    """Choose what is shown; where more must be covered, quote from it without a model."""
    context = context_of(runtime)
    window = window_for(state, await model_of(context, store_of(runtime)), context)
    return plan_prompt(state, state.memories, context, window).update(state)


def plan_prompt(
    state: State, memories: Sequence[RecalledItem], context: Context, window: Window | None = None
) -> Plan:
    """Return a legal prompt within the budget, the newest user message always in it.

    Raises:
        BadInput: the user has said nothing, or the system prompt leaves no room.
    """
    window = window or window_of(context)
    if newest_user_message(state.messages) is None:
        raise BadInput("The thread has no message from a user; send one.")
    coverage, blocks = Coverage.of(state), blocks_of(memories, state.messages)
    pinned = pinned_message(fitting(memories, pinned_budget(context, window)))
    summary = summary_in(coverage, context, window)
    parts = _visible(state, coverage, context)
    reach = _reach(context, _room(pinned, summary, window))
    shown = newest_within(parts[-most_exchanges(context) :], blocks, reach)
    if context.summarizes and (len(shown) < len(parts) or _lacks_a_question(shown, summary)):
        # What must go is covered here and now; what was recalled for it is shown with the newest.
        blocks = gathered(blocks, shown[-1], context.recall_tokens)
        shown = newest_within(list(filter(_is_led, parts)), blocks, window.low)
        left = before(coverage.uncovered(state.messages), shown[0][0].id)
        coverage = coverage.extracting(left, window)
        summary = summary_in(coverage, context, window)
    recent = [message for part in shown[:-1] for message in part]
    room = _room(pinned, summary, window) - cost(recent, blocks)
    newest, blocks = fit_newest(shown[-1], blocks, room)
    system = system_message(context.system_prompt)
    prompt = [
        system,
        *pinned,
        *summary,
        *with_memories([*recent, *newest], blocks.messages),
    ]
    ids = {message.id for message in (*recent, *newest)}
    standing = [found for place, found in blocks.items() if place in ids]
    filled = Shown(
        system=system,
        pinned=pinned,
        summary=summary,
        recent=recent,
        newest=newest,
        memories=standing,
        prompt=prompt,
    )
    return Plan(
        prompt=prompt,
        ledger=ledger_of(filled, context, window),
        coverage=coverage,
        recalled=recalled_in(prompt, blocks, state.recalled),
    )


def summary_in(coverage: Coverage, context: Context, window: Window) -> list[AnyMessage]:
    """Return the summary's message, where the preset has one and it fits."""
    if not context.summarizes:
        return []
    made = summary_message(coverage.summary, coverage.extract, coverage.pins)
    if sum(map(count_message, made)) > 2 * window.summary:
        # Made for a larger window.
        prose = cut_middle(coverage.summary, window.prose)
        made = summary_message(prose, cut_middle(coverage.extract, window.extract))
    return made if sum(map(count_message, made)) <= 2 * window.summary else []


def newest_within(parts: Sequence[Exchange], blocks: Blocks, budget: int) -> list[Exchange]:
    """Return the newest exchanges that fit with their memories; the last one in any case."""
    kept: list[Exchange] = []
    for part in reversed(parts):
        budget -= cost(part, blocks)
        if kept and budget < 0:
            break
        kept.append(part)
    return kept[::-1]


def fit_newest(part: Exchange, blocks: Blocks, budget: int) -> tuple[Exchange, Blocks]:
    """Return the newest exchange within `budget`, and the memories that are left.

    The worst memories go first, then its oldest answers; the question alone is cut in the middle.
    """
    bare = sum(map(count_message, part))
    left = within_budget(blocks, part, budget - bare)
    question = newest_user_message(part)
    if bare <= budget or question is None:
        return part, left
    asked = count_message(question)
    if asked > budget:
        bare_question = question.model_copy(update={"content": ""})
        words = cut_middle(text_of(question), max(1, budget - count_message(bare_question)))
        return [question.model_copy(update={"content": words})], left
    return [question, *_newest_steps([m for m in part if m is not question], budget - asked)], left


def never_shown_again(
    state: State, context: Context, window: Window | None = None
) -> list[AnyMessage]:
    """Return the stored messages that this preset has done with: covered, and out of its reach."""
    coverage = Coverage.of(state)
    if context.summarizes:
        rest = coverage.unsummarized(state.messages)
        return list(state.messages[: len(state.messages) - len(rest)])
    covered = len(state.messages) - len(coverage.uncovered(state.messages))
    return out_of_reach(state, context, window)[:covered]


def out_of_reach(state: State, context: Context, window: Window | None = None) -> list[AnyMessage]:
    """Return the oldest messages that a preset without a summary will not show again."""
    parts = exchanges(state.messages)
    window = window or window_of(context)
    kept = newest_within(
        parts[-most_exchanges(context) :], Blocks(), _reach(context, window.history)
    )
    return [message for part in parts[: len(parts) - len(kept)] for message in part]


def _visible(state: State, coverage: Coverage, context: Context) -> list[Exchange]:
    """Return the exchanges that the preset may show, repaired."""
    messages = coverage.uncovered(state.messages) if context.summarizes else state.messages
    parts = exchanges(repair(messages))
    led = [part for part in parts if _is_led(part)]
    # The newest question is shown even if something stands in for it.
    led = led or exchanges(repair(state.messages))[-1:]
    return parts if context.summarizes and any(map(_is_led, parts)) else led


def most_exchanges(context: Context) -> int:
    """Return how many exchanges the preset shows at most, the unanswered one included."""
    if context.memory in ("window", "entity", "graph"):
        return context.window + 1
    return 2 if context.memory == "vector" else EVERYTHING


def _reach(context: Context, room: int) -> int:
    """Return how many tokens of messages the preset shows, the newest in any case."""
    return min(room, context.history_tokens) if context.memory == "tokens" else room


def _is_led(part: Exchange) -> bool:
    return isinstance(part[0], HumanMessage)


def _lacks_a_question(shown: Sequence[Exchange], summary: Sequence[AnyMessage]) -> bool:
    """Tell whether the conversation would open with an answer."""
    return not summary and not _is_led(shown[0])


def _room(pinned: Sequence[AnyMessage], summary: Sequence[AnyMessage], window: Window) -> int:
    """Return what messages and memories may take behind pins and summary."""
    before = sum(map(count_message, pinned))
    share = max(sum(map(count_message, summary)), window.summary)
    return window.prompt - window.system - PRIMING - before - share


def _newest_steps(messages: Sequence[AnyMessage], budget: int) -> list[AnyMessage]:
    """Return the newest answers within `budget`, each call with its results."""
    kept: list[list[AnyMessage]] = []
    for step in reversed(steps(messages)):
        budget -= sum(map(count_message, step))
        if budget < 0:
            break
        kept.append(step)
    return [message for step in reversed(kept) for message in step]
