"""`threadkeep threads set`, `fork` and `undo`: change what is kept of a thread."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.context_options import choices_of, context_of, pairs
from threadkeep.cli.event_loop import run
from threadkeep.graph.context import Context
from threadkeep.turn_agent import open_agent

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

    async def change() -> dict[str, Any]:
        async with open_agent(settings) as agent:
            return await agent.change_thread(
                Context(user_id=user), validate_id(name, "thread"), **changes
            )

    record = run(change())
    record.pop("last_message", None)
    if as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        for key, value in record.items():
            sys.stdout.write(f"{key}: {value}\n")


def fork_thread(settings: Settings, user: str, name: str, new: str, at: int | None) -> None:
    """Begin another thread with the first turns of one."""

    async def fork() -> None:
        async with open_agent(settings) as agent:
            context = Context(user_id=user)
            await agent.fork_thread(
                context, validate_id(name, "thread"), validate_id(new, "thread"), at
            )

    run(fork())
    sys.stdout.write(f"{new}\n")


def undo_turns(settings: Settings, user: str, name: str, count: int) -> None:
    """Take back the newest turns of a thread, and print what had been said."""

    async def undo() -> list[str]:
        async with open_agent(settings) as agent:
            return await agent.undo(Context(user_id=user), validate_id(name, "thread"), count)

    for text in run(undo()):
        sys.stdout.write(f"{text}\n")
