"""`threadkeep threads set`, `fork` and `undo`: change what is kept of a thread."""

import json
import sys
from collections.abc import Iterable

from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.connection import with_memory
from threadkeep.cli.context_options import choices_of, context_of, pairs

MINUTES_A_DAY = 24 * 60


def set_thread(
    settings: Settings,
    user: str,
    name: str,
    title: str | None,
    ttl_days: float | None,
    state: Iterable[str] | None,
    metadata: Iterable[str] | None,
    memory: str | None,
    context: Iterable[str] | None,
    *,
    as_json: bool,
) -> None:
    """Change a thread's record and print it."""
    chosen = choices_of(memory, context)
    context_of(user, None, chosen)
    changes = {
        "context": chosen or None,
        "title": title,
        "state": pairs(state, "--state") if state else None,
        "metadata": pairs(metadata, "--metadata") if metadata else None,
        "ttl_minutes": ttl_days * MINUTES_A_DAY if ttl_days is not None else None,
    }

    thread = validate_id(name, "thread")
    record = with_memory(
        settings, lambda memory: memory.change_thread(thread, user_id=user, **changes)
    )
    record.pop("last_message", None)
    if as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        for key, value in record.items():
            sys.stdout.write(f"{key}: {value}\n")


def fork_thread(settings: Settings, user_id: str, name: str, new: str, at: int | None) -> None:
    """Begin another thread with the first turns of one."""
    thread, target = validate_id(name, "thread"), validate_id(new, "thread")
    with_memory(settings, lambda memory: memory.fork(thread, target, at, user_id=user_id))
    sys.stdout.write(f"{new}\n")


def undo_turns(settings: Settings, user_id: str, name: str, count: int) -> None:
    """Take back the newest turns of a thread, and print the user's messages in them."""
    thread = validate_id(name, "thread")
    texts = with_memory(settings, lambda memory: memory.undo(thread, count, user_id=user_id))
    for text in texts:
        sys.stdout.write(f"{text}\n")
