"""Ask of a memory and change it: the same words in the terminal's commands and in the chat."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.connection import with_memory
from threadkeep.cli.context_options import choices_of, context_of
from threadkeep.cli.failures import complain
from threadkeep.cli.show_why import why_lines
from threadkeep.graph.context import Context
from threadkeep.knowledge.corrections import CorrectionResult
from threadkeep.knowledge.pins import Pin
from threadkeep.knowledge.wording_history import Wording
from threadkeep.stores.memory_ids import short_ids

T = TypeVar("T")
WHEN = {"now": "now", "corrected": "corrected", "outdated": "replaced"}


def show_why(settings: Settings, user_id: str, thread: str | None, *, as_json: bool) -> None:
    """Print what the last answer of a thread rests on."""
    name = validate_id(thread, "thread") if thread is not None else None
    reasons = with_memory(settings, lambda memory: memory.why(name, user_id=user_id))
    _print([_json(reasons)] if as_json else why_lines(reasons))


def correct_memory(
    settings: Settings, user_id: str, memory_id: str, text: str, *, as_json: bool
) -> None:
    """Correct a memory and print what it says now."""
    corrected = with_memory(
        settings, lambda memory: memory.correct(memory_id, text, user_id=user_id)
    )
    _print([_json(corrected)] if as_json else corrected_lines(corrected))


def show_history(settings: Settings, user_id: str, memory_id: str, *, as_json: bool) -> None:
    """Print what a memory has said."""
    wordings = with_memory(settings, lambda memory: memory.history(memory_id, user_id=user_id))
    _print(map(_json, wordings) if as_json else history_lines(wordings))


def pin_memory(
    settings: Settings, user_id: str, memory_id: str, context: Iterable[str] | None
) -> None:
    """Pin a memory, and say whether it fits."""
    values = choices_of(None, context)
    run_context = context_of(user_id, None, values)
    pin = with_memory(
        settings, lambda memory: memory.pin(memory_id, context=values, user_id=user_id)
    )
    tell_pinned(pin, run_context)


def unpin_memory(settings: Settings, user_id: str, memory_id: str) -> None:
    """Take a pin away."""
    unpinned = with_memory(settings, lambda memory: memory.unpin(memory_id, user_id=user_id))
    complain(f"No longer pinned: {unpinned}")


def show_pins(
    settings: Settings, user_id: str, context: Iterable[str] | None, *, as_json: bool
) -> None:
    """Print what is pinned."""
    values = choices_of(None, context)
    run_context = context_of(user_id, None, values)
    pins = with_memory(settings, lambda memory: memory.pins(context=values, user_id=user_id))
    _print(map(_json, pins) if as_json else pin_lines(pins))
    if not as_json and any(not pin["shown"] for pin in pins):
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


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flat(text: str) -> str:
    return " ".join(text.split())
