"""`threadkeep threads set`, `fork` and `undo`."""

from collections.abc import Iterable

from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.base.variables import MINUTES_PER_DAY
from threadkeep.cli.connection import with_memory
from threadkeep.cli.context_options import context_fields, parse_pairs, validate_fields
from threadkeep.cli.output import json_line, print_lines


def set_thread(
    settings: Settings,
    user_id: str,
    name: str,
    title: str | None,
    ttl_days: float | None,
    state: Iterable[str] | None,
    metadata: Iterable[str] | None,
    preset: str | None,
    context: Iterable[str] | None,
    *,
    as_json: bool,
) -> None:
    """Change a thread's record and print it."""
    fields = context_fields(context, memory=preset)
    validate_fields(fields)
    changes = {
        "context": fields or None,
        "title": title,
        "state": parse_pairs(state, "--state") if state else None,
        "metadata": parse_pairs(metadata, "--metadata") if metadata else None,
        "ttl_minutes": ttl_days * MINUTES_PER_DAY if ttl_days is not None else None,
    }
    thread = validate_id(name, "thread")
    record = with_memory(
        settings, lambda memory: memory.change_thread(thread, user_id=user_id, **changes)
    )
    record.pop("last_message", None)
    lines = [f"{key}: {value}" for key, value in record.items()]
    print_lines([json_line(record)] if as_json else lines)


def fork_thread(settings: Settings, user_id: str, name: str, new: str, at: int | None) -> None:
    """Begin another thread with the first turns of one, and print its name."""
    thread, target = validate_id(name, "thread"), validate_id(new, "thread")
    with_memory(settings, lambda memory: memory.fork(thread, target, at, user_id=user_id))
    print_lines([new])


def undo_turns(settings: Settings, user_id: str, name: str, count: int) -> None:
    """Take back the newest turns of a thread, and print the user's messages in them."""
    thread = validate_id(name, "thread")
    print_lines(with_memory(settings, lambda memory: memory.undo(thread, count, user_id=user_id)))


def discard_messages(settings: Settings, user_id: str, name: str) -> None:
    """Drop the messages of a thread that got no answer, and print them."""
    thread = validate_id(name, "thread")
    print_lines(with_memory(settings, lambda memory: memory.discard(thread, user_id=user_id)))
