"""Turns that a crash cut off are finished when their user comes back."""

import asyncio
import logging
from contextvars import Context as Variables

from threadkeep.server.shared_memory import current_memory

log = logging.getLogger(__name__)
_seen: set[str] = set()
_tasks: set[asyncio.Task[None]] = set()


def finish_left(user: str) -> None:
    """Finish a user's unfinished turns in the background, once in the life of this process."""
    if user in _seen:
        return
    _seen.add(user)
    # In an empty context: the request that brings the user has nothing to do with it.
    task = asyncio.create_task(_finish(user), context=Variables())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def finishing() -> set[asyncio.Task[None]]:
    """Return what is still being finished."""
    return _tasks


async def _finish(user: str) -> None:
    try:
        for sentence in await current_memory().recover(user_id=user):
            log.warning("%s", sentence)
    except Exception:
        log.exception("The turns of %r that were cut off could not be finished.", user)
