"""Decide which messages are shown within the budget, and write down what fills the window."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from chat_models.extractive import summarize
from chat_models.tokens import count_message, count_messages, cut_middle
from graph.context import Context
from graph.errors import BadInput
from graph.memories import Memory
from graph.state import Ledger, State, Update
from nodes.legal import Exchange, exchanges, newest_user_message, repair, text_of
from nodes.owner import context_of
from nodes.prompts import memory_message, summary_message, system_message, with_memories

PRIMING = 3
"""Tokens that every prompt costs beside its messages."""
SUMMARY_FENCE = 48
"""Tokens that the summary's message costs beside its words."""
SUMMARY_SHARE = 0.2
HIGH_SHARE, LOW_SHARE = 0.8, 0.4


@dataclass(frozen=True, kw_only=True)
class Window:
    """Token budgets of one prompt. Nothing is folded until `high`; then down to `low`."""

    prompt: int
    system: int
    summary: int

    @property
    def history(self) -> int:
        """What messages and memories may take together, with the summary at its largest."""
        return self.prompt - self.system - self.summary - PRIMING

    @property
    def summary_words(self) -> int:
        """What the text of the summary may take."""
        return max(0, self.summary - SUMMARY_FENCE)

    @property
    def high(self) -> int:
        """Where compaction begins."""
        return int(self.history * HIGH_SHARE)

    @property
    def low(self) -> int:
        """Where compaction ends."""
        return int(self.history * LOW_SHARE)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The prompt of one turn, and the summary that covers what it leaves out."""

    prompt: list[AnyMessage]
    ledger: Ledger
    summary: str
    summarized_through: str


async def trim_history(state: State, runtime: Runtime[Context]) -> Update:
    """Choose what is shown; where the summary must cover more, extend it without a model."""
    plan = plan_prompt(state, state.memories, context_of(runtime))
    return {
        "llm_input_messages": plan.prompt,
        "ledger": plan.ledger,
        "summary": plan.summary,
        "summarized_through": plan.summarized_through,
    }


def window_of(context: Context) -> Window:
    """Return the budgets that `context` leaves.

    Raises:
        BadInput: the system prompt takes more than half of the prompt.
    """
    system = count_message(system_message(context.system_prompt))
    if system > context.prompt_tokens // 2:
        raise BadInput(
            f"Context: system_prompt takes {system} of the {context.prompt_tokens} tokens that "
            "max_tokens leaves beside reserve_tokens; shorten it or raise max_tokens."
        )
    share = int((context.prompt_tokens - system) * SUMMARY_SHARE) if context.summarizes else 0
    return Window(prompt=context.prompt_tokens, system=system, summary=share)


def plan_prompt(state: State, memories: Sequence[Memory], context: Context) -> Plan:
    """Return a legal prompt within the budget, the newest user message always in it."""
    window = window_of(context)
    uncovered = after(state.messages, state.summarized_through) if context.summarizes else None
    parts = exchanges(repair(state.messages if uncovered is None else uncovered))
    wanted = parts[-_wanted(context) :]
    blocks = memory_blocks(memories)
    shown = newest_within(wanted, blocks, window.history)
    summary, through = state.summary if context.summarizes else "", state.summarized_through
    if context.summarizes and len(shown) < len(parts):
        shown = newest_within(wanted, blocks, window.low)
        left = before(uncovered or (), shown[0][0].id)
        summary, through = summarize(summary, left, window.summary_words), left[-1].id or ""
    summary = cut_middle(summary, window.summary_words) if summary else ""
    newest = _fit_newest(shown[-1], blocks, window.history) if shown else []
    recent = [message for part in shown[:-1] for message in part]
    head = [system_message(context.system_prompt), *summary_message(summary)]
    body = with_memories([*recent, *newest], blocks)
    ledger = _ledger(head, summary, recent, newest, body, context)
    return Plan(prompt=head + body, ledger=ledger, summary=summary, summarized_through=through)


def after(messages: Sequence[AnyMessage], message_id: str) -> list[AnyMessage]:
    """Return the messages behind `message_id`; all of them where it is not among them."""
    ids = [message.id for message in messages]
    return list(messages[ids.index(message_id) + 1 :] if message_id in ids else messages)


def before(messages: Sequence[AnyMessage], message_id: str | None) -> list[AnyMessage]:
    """Return the messages in front of `message_id`."""
    return list(takewhile(lambda message: message.id != message_id, messages))


def memory_blocks(memories: Sequence[Memory]) -> dict[str, HumanMessage]:
    """Return one message of fenced memories for each message that some stand in front of."""
    by_place: dict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        by_place[memory.get("before", "")].append(memory)
    return {place: memory_message(there, place) for place, there in by_place.items()}


def newest_within(
    parts: Sequence[Exchange], blocks: Mapping[str, HumanMessage], budget: int
) -> list[Exchange]:
    """Return the newest exchanges that fit with their memories; the last one in any case."""
    kept: list[Exchange] = []
    for part in reversed(parts):
        budget -= sum(map(count_message, with_memories(part, blocks)))
        if kept and budget < 0:
            break
        kept.insert(0, part)
    return kept


def never_shown_again(state: State, context: Context) -> list[AnyMessage]:
    """Return the stored messages that this preset has done with: covered, or out of its reach."""
    if context.summarizes:
        rest = after(state.messages, state.summarized_through)
        return list(state.messages[: len(state.messages) - len(rest)])
    parts = exchanges(state.messages)
    kept = newest_within(parts[-_wanted(context) :], {}, window_of(context).history)
    return [message for part in parts[: len(parts) - len(kept)] for message in part]


def _wanted(context: Context) -> int:
    """Return how many exchanges the preset shows at most, the unanswered one included."""
    if context.memory in ("window", "entity", "graph"):
        return context.window + 1
    return 2 if context.memory == "vector" else 1_000_000


def _fit_newest(part: Exchange, blocks: dict[str, HumanMessage], budget: int) -> Exchange:
    """Return the newest exchange within `budget`: memories go first, then its oldest answers."""
    cost = sum(map(count_message, with_memories(part, blocks)))
    if cost <= budget:
        return part
    for message in part:
        blocks.pop(message.id or "", None)
    question = newest_user_message(part)
    if question is None:
        return part[-1:]
    rest = [m for m in part if m is not question]
    while rest and sum(map(count_message, [question, *rest])) > budget:
        rest = repair(rest[1:])
    overhead = count_message(question.model_copy(update={"content": ""}))
    if count_message(question) > budget:
        words = cut_middle(text_of(question), max(1, budget - overhead))
        question = question.model_copy(update={"content": words})
    return [question, *rest]


def _ledger(
    head: Sequence[AnyMessage],
    summary: str,
    recent: Sequence[AnyMessage],
    newest: Sequence[AnyMessage],
    body: Sequence[AnyMessage],
    context: Context,
) -> Ledger:
    """Return the tokens by part; they add up to the limit."""
    used = count_messages([*head, *body])
    system = count_message(head[0])
    parts = {
        "system": system + PRIMING,
        "summary": sum(map(count_message, head[1:])),
        "recent": sum(map(count_message, recent)),
        "newest": sum(map(count_message, newest)),
    }
    return {
        **parts,
        "memories": used - sum(parts.values()),
        "prompt": used,
        "reserve": context.reserve_tokens,
        "free": context.prompt_tokens - used,
        "limit": context.max_tokens,
    }
