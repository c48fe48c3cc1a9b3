"""Recover turns that a crash cut off, when their user sends a request."""

import asyncio
import logging
from contextvars import Context as Variables

from threadkeep.memory import Memory

log = logging.getLogger(__name__)


class TurnRecovery:
    """Finishes each user's interrupted turns in the background, once per process."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._users: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        """The recoveries under way."""

    def start(self, user_id: str) -> None:
        """Start the recovery of a user's turns, unless it was started before."""
        if user_id in self._users:
            return
        self._users.add(user_id)
        # In an empty context: the recovery is not part of the request that starts it.
        task = asyncio.create_task(self._recover(user_id), context=Variables())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def stop(self) -> None:
        """Cancel the recoveries under way; the next start of the server repeats them."""
        tasks = [*self.tasks]
        self._memory.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _recover(self, user_id: str) -> None:
        try:
            for sentence in await self._memory.recover(user_id=user_id):
                log.warning("%s", sentence)
        except Exception:
            log.exception("The interrupted turns of %r could not be finished.", user_id)
