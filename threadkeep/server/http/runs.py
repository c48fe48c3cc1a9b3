"""The runs of this process: a run continues when its client disconnects."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from typing import Any

from langgraph.errors import GraphRecursionError

from threadkeep.base.errors import BadInput, ThreadkeepError
from threadkeep.memory import Memory
from threadkeep.process import freeze_loaded_objects
from threadkeep.server.http.events import HEARTBEAT
from threadkeep.turn import Event

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 15.0
"""The longest time without an event, so that a proxy does not close the connection."""


class Stream:
    """One run under way; iterate over it for its events."""

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
                    event = (HEARTBEAT, None)
                if event is None:
                    break
                yield event
            await self.task
        finally:
            self._has_reader = False

    def stop(self) -> None:
        """Cancel the run, once; `Runs` waits for its end."""
        if not (self.task.done() or self.task.cancelling()):
            self.task.cancel()

    async def _consume(self, run: AsyncIterator[Event]) -> None:
        try:
            async for event in run:
                if self._has_reader:
                    self._events.put_nowait(event)
        except GraphRecursionError:
            raise BadInput(
                "The run has more steps than config.recursion_limit allows; leave it out."
            ) from None
        finally:
            self._events.put_nowait(None)


class Runs:
    """All runs under way."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, run: AsyncIterator[Event]) -> Stream:
        """Start a run in a task of its own."""
        stream = Stream(run)
        self._tasks.add(stream.task)
        stream.task.add_done_callback(self._on_done)
        return stream

    async def wait(self, seconds: float, others: Collection[asyncio.Task[None]] = ()) -> None:
        """Wait for all runs, and for other tasks; cancel those that take longer.

        The next start of the server finishes the turns of cancelled runs.
        """
        if tasks := self._tasks.union(others):
            await asyncio.wait(tasks, timeout=seconds)
        self.memory.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, ThreadkeepError):
            log.error("A run failed", exc_info=error)
        if not (task.cancelled() or error):
            freeze_loaded_objects(again=self.memory.opened.store.opened)
