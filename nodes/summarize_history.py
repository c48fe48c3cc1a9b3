"""Past the high watermark, fold the oldest messages into the running summary."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.runtime import Runtime

from threadkeep.base.fences import escape_tags
from threadkeep.base.tokens import count_message, count_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.models.calls import is_cut_off
from threadkeep.models.faults import ContextOverflow
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.coverage import Coverage, after, before
from threadkeep.prompt.extractive_summary import summarize
from threadkeep.prompt.run_model import ask_quietly, model_of, window_for
from threadkeep.prompt.run_owner import context_of, owner_of, store_of, thread_of
from threadkeep.prompt.summary_calls import Piece, in_pieces
from threadkeep.prompt.texts import SUMMARIZE
from threadkeep.prompt.validity import Exchange, exchanges, repair
from threadkeep.prompt.visible_history import out_of_reach
from threadkeep.prompt.window import Window
from threadkeep.stores.usage import NOTHING, Usage, add_usage, added

log = logging.getLogger(__name__)
CALLS_A_TURN = 8
"""What is left is folded after the next turns; quoted sentences stand in for it meanwhile."""
BACKLOG = 4
"""Prompts full of messages that may wait for a summary that keeps failing."""
LEAST_PROSE = 40
"""Tokens; with less there is nothing that a model could write."""
LEAST_PIECE = 200
RECALLED = ("pinned", "entities", "facts", "memories")
"""Parts of the ledger that take room beside the messages."""


@dataclass(frozen=True, kw_only=True)
class Extended:
    """A summary, the number of messages that it now covers, and what its calls took."""

    summary: str
    covered: int
    usage: Usage = field(default_factory=lambda: NOTHING)


async def summarize_history(state: State, runtime: Runtime[Context]) -> Update:
    """Fold what is due; a summary that fails leaves the state as it was and is due again."""
    context = context_of(runtime)
    model = await model_of(context, store_of(runtime))
    window = window_for(state, model, context)
    if not context.summarizes:
        return cover_out_of_reach(state, context, window)
    folded = due_messages(state, window, context)
    if not folded:
        return {}
    coverage = Coverage.of(state)
    previous = "\n".join(part for part in (coverage.summary, coverage.extract) if part)
    extended = await extend_summary(previous, folded, window, model)
    done: Update = {}
    if extended.usage["calls"]:
        day = state.turn_at[:10]
        owner, thread = await owner_of(runtime), thread_of()
        await add_usage(store_of(runtime), owner, thread, day, "summary", extended.usage)
        done["ledger"] = {"internal": {"summary": extended.usage}}
    if not extended.covered:
        return done | give_up(state, coverage, window)
    reached = folded[: extended.covered]
    rest = after(state.messages, reached[-1].id or "")
    covered = coverage.summarizing(extended.summary, reached, rest, window)
    return done | covered.update | {"recalled": [{**turn, "over": True} for turn in state.recalled]}


def cover_out_of_reach(state: State, context: Context, window: Window) -> Update:
    """Quote from what this preset will not show again, so that a later one has not lost it."""
    coverage = Coverage.of(state)
    uncovered = {message.id for message in coverage.uncovered(state.messages)}
    left = [m for m in out_of_reach(state, context, window) if m.id in uncovered]
    return coverage.extracting(left, window).update if left else {}


def give_up(state: State, coverage: Coverage, window: Window) -> Update:
    """Leave the state as it was; only what has waited far too long is left to its quotations.

    The summary then holds them, still quoted, and the next one extends it.
    """
    waiting = before(
        coverage.unsummarized(state.messages),
        next((m.id for m in coverage.uncovered(state.messages)), None),
    )
    if sum(map(count_message, waiting)) <= BACKLOG * window.prompt:
        return {}
    quoted = summarize(f"{coverage.summary}\n{coverage.extract}", (), window.prose)
    rest = coverage.uncovered(state.messages)
    return coverage.summarizing(quoted, waiting, rest, window).update


def due_messages(state: State, window: Window, context: Context) -> list[AnyMessage]:
    """Return the messages to fold: those only quoted so far, and the oldest past the watermark."""
    coverage = Coverage.of(state)
    unsummarized = coverage.unsummarized(state.messages)
    parts = exchanges(repair(coverage.uncovered(state.messages)))
    if not parts:
        return []
    recalled = sum(int(state.ledger.get(part) or 0) for part in RECALLED)
    memories = int(recalled / window.ratio)
    due = due_for_summary(parts, window, memories, keep_one=context.memory == "summary")
    return before(unsummarized, parts[due][0].id)


def due_for_summary(
    parts: Sequence[Exchange], window: Window, memories: int, *, keep_one: bool
) -> int:
    """Return how many of the oldest exchanges to fold, 0 while the high watermark is not reached.

    The newest exchange is never folded. With `keep_one`, it is all that is kept.
    """
    if keep_one:
        return max(0, len(parts) - 1)
    sizes = [sum(map(count_message, part)) for part in parts]
    total = sum(sizes)
    if total + memories <= window.high:
        return 0
    due = 0
    while due < len(parts) - 1 and total > window.low:
        total -= sizes[due]
        due += 1
    return due


async def extend_summary(
    previous: str, folded: Sequence[AnyMessage], window: Window, model: BaseChatModel
) -> Extended:
    """Return the summary that covers `previous` and the first of `folded`, in exchanges.

    Every message is shown to the model, in as many calls as its context needs, each with the
    summary so far. At the first that fails it ends where the one before it got to.
    """
    if isinstance(model, OfflineChatModel) or window.prose < LEAST_PROSE:
        return Extended(summary=summarize(previous, folded, window.prose), covered=len(folded))
    made, covered, room, usage = previous, 0, _room(window), NOTHING
    good = previous
    pieces, calls = in_pieces(folded, room), 0
    while pieces and calls < CALLS_A_TURN:
        calls += 1
        try:
            text, spent = await _summary(made, pieces[0], window, model)
            usage = added([usage, spent])
        except ContextOverflow as error:
            room //= 2
            if room < LEAST_PIECE:
                log.warning("The summary will be tried again next turn: %s", error)
                break
            made, pieces = good, in_pieces(folded[covered:], room)
            continue
        except Exception as error:
            log.warning("The summary failed and will be tried again next turn: %s", error)
            break
        if not text:
            break
        made, piece = text, pieces.pop(0)
        if piece.covers:
            good, covered = made, covered + piece.covers
    return Extended(summary=good, covered=covered, usage=usage)


async def _summary(
    previous: str, piece: Piece, window: Window, model: BaseChatModel
) -> tuple[str, Usage]:
    """Return one call's summary, "" where it is empty, cut off or too long, and what it took."""
    prompt = SUMMARIZE.format(
        words=window.prose // 2, previous=escape_tags(previous), messages=escape_tags(piece.text)
    )
    reply, usage = await ask_quietly(model, prompt)
    text = reply.text.strip()
    fault = _fault(reply, text, window)
    if fault:
        log.warning("The summary is %s and will be tried again next turn.", fault)
    return "" if fault else text, usage


def _fault(reply: AIMessage, text: str, window: Window) -> str:
    if not text:
        return "empty"
    if is_cut_off(reply):
        return "cut off"
    return "too long" if count_text(text) > window.prose else ""


def _room(window: Window) -> int:
    """Return how many tokens of messages one call holds beside instructions and summary."""
    prompt = count_text(SUMMARIZE) + 2 * window.prose + window.extract
    return max(LEAST_PIECE, window.prompt - prompt)
