"""The runs of this process: each goes on when its client leaves, and is waited for at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from threadkeep.base.errors import ThreadkeepError
from threadkeep.memory import Memory
from threadkeep.process import freeze_loaded_objects
from threadkeep.server.recovery import recovery_tasks
from threadkeep.turn import Event

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 15.0
"""After so long without an event a client, and what lies between, is told that it goes on."""


class Stream:
    """One run under way, and whoever listens to it."""

    def __init__(self, run: AsyncIterator[Event]) -> None:
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._has_reader = True
        self.task = asyncio.create_task(self._consume(run))

    async def __aiter__(self) -> AsyncIterator[Event]:
        try:
            while True:
                try:
                    event = await asyncio.wait_for(self._events.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    event = ("heartbeat", None)
                if event is None:
                    break
                yield event
            await self.task
        finally:
            self._has_reader = False

    async def stop(self) -> None:
        """Give the run up where it stands."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _consume(self, run: AsyncIterator[Event]) -> None:
        try:
            async for item in run:
                if self._has_reader:
                    self._events.put_nowait(item)
        finally:
            self._events.put_nowait(None)


class Runs:
    """All that is under way."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, run: AsyncIterator[Event]) -> Stream:
        """Let a run go on by itself."""
        stream = Stream(run)
        self._track(stream.task)
        return stream

    async def wait(self, seconds: float) -> None:
        """Wait for all runs to end; what takes longer is left for the next start to finish."""
        if tasks := self._tasks | recovery_tasks():
            await asyncio.wait(tasks, timeout=seconds)
        self.memory.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _track(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, ThreadkeepError):
            log.error("A run failed", exc_info=error)
        if not (task.cancelled() or error):
            freeze_loaded_objects(again=self.memory.opened.store.opened)
