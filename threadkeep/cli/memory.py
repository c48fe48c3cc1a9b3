"""Ask of a memory and change it: the same words in the terminal's commands and in the chat."""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.context_options import choices_of, context_of
from threadkeep.cli.event_loop import run
from threadkeep.cli.failures import complain
from threadkeep.cli.show_why import why_lines
from threadkeep.graph.context import Context
from threadkeep.knowledge.corrections import CorrectionResult
from threadkeep.knowledge.pins import Pin
from threadkeep.knowledge.wording_history import Wording
from threadkeep.stores.memory_ids import short_ids
from threadkeep.turn_agent import Agent, open_agent
from threadkeep.turn_memory import correct, history, pin, pins, unpin, why

T = TypeVar("T")
WHEN = {"now": "now", "corrected": "corrected", "outdated": "replaced"}


def show_why(settings: Settings, user: str, thread: str | None, *, as_json: bool) -> None:
    """Print what the last answer of a thread rests on."""
    name = validate_id(thread, "thread") if thread is not None else None

    async def ask(agent: Agent) -> None:
        asked = name or await agent.last_thread(user, "to ask about; begin one with threadkeep ask")
        found = await why(agent, Context(user_id=user), asked)
        _print([json.dumps(found, ensure_ascii=False)] if as_json else why_lines(found))

    _with_agent(settings, ask)


def correct_memory(settings: Settings, user: str, given: str, text: str, *, as_json: bool) -> None:
    """Correct a memory and print what it says now."""
    done = _with_agent(settings, lambda agent: correct(agent, user, given, text))
    _print([json.dumps(done, ensure_ascii=False)] if as_json else corrected_lines(done))


def show_history(settings: Settings, user: str, given: str, *, as_json: bool) -> None:
    """Print what a memory has said."""
    told = _with_agent(settings, lambda agent: history(agent, user, given))
    _print(map(_json, told) if as_json else history_lines(told))


def pin_memory(settings: Settings, user: str, given: str, context: Iterable[str] | None) -> None:
    """Pin a memory, and say whether it fits."""
    run_context = context_of(user, None, choices_of(None, context))
    done = _with_agent(settings, lambda agent: pin(agent, run_context, given))
    tell_pinned(done, run_context)


def unpin_memory(settings: Settings, user: str, given: str) -> None:
    """Take a pin away."""
    complain(f"No longer pinned: {_with_agent(settings, lambda agent: unpin(agent, user, given))}")


def show_pins(
    settings: Settings, user: str, context: Iterable[str] | None, *, as_json: bool
) -> None:
    """Print what is pinned."""
    run_context = context_of(user, None, choices_of(None, context))
    found = _with_agent(settings, lambda agent: pins(agent, run_context))
    _print(map(_json, found) if as_json else pin_lines(found))
    if not as_json and any(not each["shown"] for each in found):
        complain(_does_not_fit(run_context))


def corrected_lines(done: CorrectionResult) -> list[str]:
    """Return what a correction did, for people."""
    return [f"{done['id']}  {_flat(done['text'])}  (was: {_flat(done['was'])})"]


def history_lines(told: Sequence[Wording]) -> list[str]:
    """Return the wordings of a memory, one a line."""
    ids = short_ids(each["id"] for each in told)
    return [f"{ids[each['id']]}  {_when(each)}  {_flat(each['text'])}" for each in told]


def pin_lines(found: Sequence[Pin]) -> list[str]:
    """Return pins, one a line, the earliest first."""
    ids = short_ids(each["id"] for each in found)
    return [
        f"{ids[each['id']]}  {each['at'][:10]}  "
        + (_flat(each["text"]) or "(not there at present)")
        + ("" if each["shown"] or not each["text"] else "  (does not fit, not shown)")
        for each in found
    ]


def tell_pinned(done: Pin, context: Context) -> None:
    """Say that a memory is pinned, and whether it is shown."""
    complain(f"Pinned: {_flat(done['text'])}")
    if not done["shown"]:
        complain(_does_not_fit(context))


def _when(told: Wording) -> str:
    return f"{WHEN[told['why']]} {told['until'][:10]}".strip()


def _does_not_fit(context: Context) -> str:
    return (
        f"Not all pins fit into pinned_tokens={context.pinned_tokens}; what was pinned last is not "
        "shown. Take a pin away, or allow more with --context pinned_tokens=N."
    )


def _with_agent(settings: Settings, work: Callable[[Agent], Awaitable[T]]) -> T:
    async def do() -> T:
        async with open_agent(settings) as agent:
            return await work(agent)

    return run(do())


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flat(text: str) -> str:
    return " ".join(text.split())
