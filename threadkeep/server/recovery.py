"""Recover turns that a crash cut off, when their user sends a request."""

import asyncio
import logging
from contextvars import Context as Variables

from threadkeep.server.shared_memory import current_memory

log = logging.getLogger(__name__)
_recovered_users: set[str] = set()
_tasks: set[asyncio.Task[None]] = set()


def recover_turns(user: str) -> None:
    """Finish a user's interrupted turns in the background, once per process."""
    if user in _recovered_users:
        return
    _recovered_users.add(user)
    # In an empty context: it is no part of the request that started it.
    task = asyncio.create_task(_finish(user), context=Variables())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def recovery_tasks() -> set[asyncio.Task[None]]:
    """Return the recoveries under way."""
    return _tasks


async def _finish(user: str) -> None:
    try:
        for sentence in await current_memory().recover(user_id=user):
            log.warning("%s", sentence)
    except Exception:
        log.exception("The turns of %r that were cut off could not be finished.", user)
