"""Sync calls of async parts: they run in the parts' event loop while the caller's thread waits."""

import asyncio
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_starting = threading.Lock()


def wait_on(loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what a coroutine on the loop returns; an interrupt cancels it there too.

    Raises:
        InvalidStateError: it is called on the loop, which it would block for ever, or which ended.
    """
    check_loop(loop)
    future = asyncio.run_coroutine_threadsafe(work(), loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise


def iterate_on(
    loop: asyncio.AbstractEventLoop, open_stream: Callable[[], AsyncIterator[T]]
) -> Iterator[T]:
    """Yield what an async iterator on the loop yields; it works on only when the next is asked for.

    One that is dropped is cancelled, and has ended when this returns.

    Raises:
        InvalidStateError: as `wait_on` does.
    """
    items: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
    requests, end_event = asyncio.Semaphore(0), threading.Event()

    async def read() -> None:
        async with aclosing(open_stream()) as stream:  # type: ignore[type-var]
            await requests.acquire()
            async for item in stream:
                items.put((item,))
                await requests.acquire()

    def end(_: asyncio.Task[None]) -> None:
        items.put(None)
        end_event.set()

    async def start() -> asyncio.Task[None]:
        task = asyncio.ensure_future(read())
        task.add_done_callback(end)
        return task

    task = wait_on(loop, start)
    try:
        loop.call_soon_threadsafe(requests.release)
        while item := items.get():
            yield item[0]
            loop.call_soon_threadsafe(requests.release)
    finally:
        if not end_event.is_set():
            loop.call_soon_threadsafe(task.cancel)
            end_event.wait()
    task.result()


def check_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Refuse a sync call on the event loop that would have to do the work meanwhile.

    Raises:
        InvalidStateError: the running loop is this one, or this one does not run any more.
    """
    if not loop.is_running():
        raise asyncio.InvalidStateError(
            "The event loop in which this was opened has ended; open it again."
        )
    if running_loop() is loop:
        raise asyncio.InvalidStateError(
            "Inside the event loop use the async methods (ainvoke, astream, aget, asearch, "
            "await own_namespace(...)); the sync ones are for other threads."
        )


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def loop_of(*parts: Any) -> asyncio.AbstractEventLoop | None:
    """Return the event loop that the first of these savers and stores was opened in, if any."""
    for part in parts:
        for name in ("_loop", "loop"):
            loop = getattr(part, name, None)
            if isinstance(loop, asyncio.AbstractEventLoop):
                return loop
    return None


def shared_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop in a thread of its own, for parts that were opened in none."""
    with _starting:
        return _loop_of_process(os.getpid())


@cache
def _loop_of_process(_: int) -> asyncio.AbstractEventLoop:
    # A forked process has the loop of its parent, but not the thread that runs it.
    loop, started = asyncio.new_event_loop(), threading.Event()
    loop.call_soon(started.set)
    threading.Thread(target=loop.run_forever, name="threadkeep-sync", daemon=True).start()
    started.wait()
    return loop
