"""Finish what must not stop halfway, however often the caller is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(operation: Coroutine[Any, Any, T]) -> T:
    """Run an operation to its end; if the caller was cancelled meanwhile, raise that afterwards.

    A cancelled scope of anyio cancels its task again at every await, so one shield is not enough.
    """
    task = asyncio.ensure_future(operation)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # Retrieved, so that it is not logged as lost.
    raise cancellation


async def cancel_and_wait(task: "asyncio.Future[Any]") -> None:
    """Cancel a task once, and wait for its end; its error is dropped."""
    task.cancel()
    await uninterrupted(_ended(task))


async def _ended(task: "asyncio.Future[Any]") -> None:
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
