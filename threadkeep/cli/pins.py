"""`threadkeep memory pin`, `unpin` and `pins`."""

from collections.abc import Iterable, Sequence

from threadkeep.base.clock import local_day
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.context_options import context_fields, context_of, validate_fields
from threadkeep.cli.output import json_line, one_line, print_lines, print_notice
from threadkeep.graph.context import Context
from threadkeep.knowledge.pins import Pin
from threadkeep.stores.memory_ids import short_ids


def pin_memory(
    settings: Settings, user_id: str, memory_id: str, pairs: Iterable[str] | None
) -> None:
    """Pin a memory, and say whether it fits."""
    context = validate_fields(context_fields(pairs))
    pin = with_memory(
        settings, lambda memory: memory.pin(memory_id, context=context, user_id=user_id)
    )
    print_pin(pin, context_of(user_id, context))


def unpin_memory(settings: Settings, user_id: str, memory_id: str) -> None:
    """Remove a pin."""
    full_id = with_memory(settings, lambda memory: memory.unpin(memory_id, user_id=user_id))
    print_notice(f"No longer pinned: {full_id}")


def show_pins(
    settings: Settings, user_id: str, pairs: Iterable[str] | None, *, as_json: bool
) -> None:
    """Print what is pinned."""
    context = validate_fields(context_fields(pairs))
    pins = with_memory(settings, lambda memory: memory.pins(context=context, user_id=user_id))
    print_lines(map(json_line, pins) if as_json else pin_lines(pins))
    if not as_json and any(not pin["shown"] for pin in pins):
        print_notice(_does_not_fit(context_of(user_id, context)))


def print_pin(pin: Pin, context: Context) -> None:
    """Say that a memory is pinned, and whether it is shown to the model."""
    print_notice(f"Pinned: {one_line(pin['text'])}")
    if not pin["shown"]:
        print_notice(_does_not_fit(context))


def pin_lines(pins: Sequence[Pin]) -> list[str]:
    """Return pins, one a line, the earliest first."""
    ids = short_ids(pin["id"] for pin in pins)
    return [
        f"{ids[pin['id']]}  {local_day(pin['at'])}  "
        + (one_line(pin["text"]) or "(not there at present)")
        + ("" if pin["shown"] or not pin["text"] else "  (does not fit, not shown)")
        for pin in pins
    ]


def _does_not_fit(context: Context) -> str:
    return (
        f"Not all pins fit into pinned_tokens={context.pinned_tokens}; what was pinned last is not "
        "shown. Take a pin away, or allow more with --context pinned_tokens=N."
    )
