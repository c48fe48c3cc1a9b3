"""Decide which messages are shown within the budget, and write down what fills the window."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from chat_models.tokens import count_message, count_text, cut_middle
from graph.context import Context
from graph.errors import BadInput
from graph.memories import Memory
from graph.state import Ledger, Recalled, State, Update
from nodes.coverage import Coverage, before
from nodes.ledger import Shown, ledger_of
from nodes.legal import Exchange, exchanges, newest_user_message, repair, steps, text_of
from nodes.model import model_of, window_for
from nodes.owner import context_of
from nodes.prompts import memory_message, summary_message, system_message, with_memories
from nodes.window import PRIMING, Window, window_of

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
        changed: Update = {"llm_input_messages": self.prompt, "ledger": self.ledger}
        if self.coverage != Coverage.of(state):
            changed |= self.coverage.update
        if self.recalled != state.recalled:
            changed["recalled"] = self.recalled
        return changed


async def trim_history(state: State, runtime: Runtime[Context]) -> Update:
    """Choose what is shown; where more must be covered, quote from it without a model."""
    context = context_of(runtime)
    window = window_for(state, await model_of(context), context)
    return plan_prompt(state, state.memories, context, window).update(state)


def plan_prompt(
    state: State, memories: Sequence[Memory], context: Context, window: Window | None = None
) -> Plan:
    """Return a legal prompt within the budget, the newest user message always in it.

    Raises:
        BadInput: the user has said nothing, or the system prompt leaves no room.
    """
    window = window or window_of(context)
    if newest_user_message(state.messages) is None:
        raise BadInput("The thread has no message from a user; send one.")
    coverage, blocks = Coverage.of(state), _by_place(memories, state.messages)
    head = prompt_head(coverage, context, window)
    parts = _visible(state, coverage, context)
    room = _room(head, window)
    shown = newest_within(parts[-most_exchanges(context) :], blocks, _reach(context, room))
    if context.summarizes and (len(shown) < len(parts) or _lacks_a_question(shown, head)):
        # What must go is covered here and now; what was recalled for it is shown with the newest.
        blocks = _gathered(blocks, shown[-1], context.recall_tokens)
        led = [part for part in parts if _is_led(part)]
        shown = newest_within(led, blocks, window.low)
        left = before(coverage.uncovered(state.messages), shown[0][0].id)
        coverage = coverage.extracting(left, window)
        head = prompt_head(coverage, context, window)
        room = _room(head, window)
    recent = [message for part in shown[:-1] for message in part]
    room -= _cost([*recent], blocks)
    newest, blocks = fit_newest(shown[-1], blocks, room)
    messages = memory_messages(blocks)
    prompt = [*head, *with_memories([*recent, *newest], messages)]
    standing = [blocks[place] for place in _places([*recent, *newest]) & blocks.keys()]
    shown_parts = Shown(head=head, recent=recent, newest=newest, memories=standing, prompt=prompt)
    ledger = ledger_of(shown_parts, context, window)
    recalled = _standing(state.recalled, blocks, prompt)
    return Plan(prompt=prompt, ledger=ledger, coverage=coverage, recalled=recalled)


def prompt_head(coverage: Coverage, context: Context, window: Window) -> list[AnyMessage]:
    """Return the system message and, where the preset has one, the summary's."""
    head: list[AnyMessage] = [system_message(context.system_prompt)]
    if not context.summarizes:
        return head
    made = summary_message(coverage.summary, coverage.extract, coverage.pins)
    if sum(map(count_message, made)) > 2 * window.summary:
        # Made for a larger window.
        prose = cut_middle(coverage.summary, window.prose)
        made = summary_message(prose, cut_middle(coverage.extract, window.extract))
    if sum(map(count_message, made)) > 2 * window.summary:
        return head
    return head + made


def newest_within(
    parts: Sequence[Exchange], blocks: Mapping[str, Sequence[Memory]], budget: int
) -> list[Exchange]:
    """Return the newest exchanges that fit with their memories; the last one in any case."""
    kept: list[Exchange] = []
    for part in reversed(parts):
        budget -= _cost(part, blocks)
        if kept and budget < 0:
            break
        kept.append(part)
    return kept[::-1]


def fit_newest(
    part: Exchange, blocks: Mapping[str, Sequence[Memory]], budget: int
) -> tuple[Exchange, dict[str, Sequence[Memory]]]:
    """Return the newest exchange within `budget`, and the memories that are left.

    The worst memories go first, then its oldest answers; the question alone is cut in the middle.
    """
    left = dict(blocks)
    bare = sum(map(count_message, part))
    for place in _places(part) & left.keys():
        found = list(left[place])
        while found and bare + count_message(memory_message(found, place)) > budget:
            found.pop()
        bare += count_message(memory_message(found, place)) if found else 0
        left = {**left, place: found} if found else _without(left, place)
    if bare <= budget:
        return part, left
    question = newest_user_message(part)
    if question is None:
        return part[-1:], left
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
    kept = newest_within(parts[-most_exchanges(context) :], {}, _reach(context, window.history))
    return [message for part in parts[: len(parts) - len(kept)] for message in part]


def memory_messages(blocks: Mapping[str, Sequence[Memory]]) -> dict[str, HumanMessage]:
    """Return one message of fenced memories for each message that some stand in front of."""
    return {place: memory_message(there, place) for place, there in blocks.items() if there}


def _by_place(
    memories: Sequence[Memory], messages: Sequence[AnyMessage]
) -> dict[str, Sequence[Memory]]:
    """Return the memories by the user's message in front of which they stand."""
    asked = {message.id for message in messages if isinstance(message, HumanMessage)}
    by_place: dict[str, list[Memory]] = defaultdict(list)
    for memory in memories:
        if (place := memory.get("before", "")) in asked:
            by_place[place].append(memory)
    return dict(by_place)


def _gathered(
    blocks: Mapping[str, Sequence[Memory]], newest: Exchange, budget: int
) -> dict[str, Sequence[Memory]]:
    """Return all memories in front of the newest question, its own first, within `budget` tokens.

    They were not recalled again because they stood further up: now they would be missed.
    """
    question = newest_user_message(newest)
    place = question.id or "" if question else ""
    earlier = [memory for other in list(blocks)[::-1] if other != place for memory in blocks[other]]
    kept: list[Memory] = []
    for memory in (*blocks.get(place, ()), *earlier):
        budget -= memory.get("tokens") or count_text(memory["text"])
        if budget < 0:
            break
        kept.append(memory)
    return {place: kept} if kept else {}


def _standing(
    recalled: Sequence[Recalled],
    blocks: Mapping[str, Sequence[Memory]],
    prompt: Sequence[AnyMessage],
) -> list[Recalled]:
    """Return what of `recalled` is in `blocks`, each where it stands in the prompt."""
    known = {place[-1]: place for turn in recalled for place in turn["places"]}
    left: list[Recalled] = []
    for message in prompt:
        shown = blocks.get(message.id or "", ())
        places = [known[memory["id"]] for memory in shown if memory["id"] in known]
        if places:
            left.append({"before": message.id or "", "places": places})
    return left


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


def _lacks_a_question(shown: Sequence[Exchange], head: Sequence[AnyMessage]) -> bool:
    """Tell whether the conversation would open with an answer."""
    return len(head) == 1 and not _is_led(shown[0])


def _room(head: Sequence[AnyMessage], window: Window) -> int:
    """Return what messages and memories may take behind `head`."""
    summary = sum(map(count_message, head[1:]))
    return window.prompt - window.system - PRIMING - max(summary, window.summary)


def _cost(part: Exchange, blocks: Mapping[str, Sequence[Memory]]) -> int:
    there = {place: blocks[place] for place in _places(part) & blocks.keys()}
    return sum(map(count_message, with_memories(part, memory_messages(there))))


def _places(part: Exchange) -> set[str]:
    return {message.id or "" for message in part}


def _without(blocks: Mapping[str, Sequence[Memory]], place: str) -> dict[str, Sequence[Memory]]:
    return {key: found for key, found in blocks.items() if key != place}


def _newest_steps(messages: Sequence[AnyMessage], budget: int) -> list[AnyMessage]:
    """Return the newest answers within `budget`, each call with its results."""
    kept: list[list[AnyMessage]] = []
    for step in reversed(steps(messages)):
        budget -= sum(map(count_message, step))
        if budget < 0:
            break
        kept.append(step)
    return [message for step in reversed(kept) for message in step]
