"""Run async code for synchronous callers: on an event loop of its own, in a thread of its own."""

import asyncio
import contextvars
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_sync(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what the coroutine returns; it may be called where an event loop runs."""
    variables = contextvars.copy_context()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(variables.run, lambda: asyncio.run(work())).result()


def stream_sync(open_stream: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
    """Yield what an async iterator yields; one that is dropped is closed."""
    items: queue.Queue[tuple[bool, Any]] = queue.Queue(maxsize=16)
    closing = threading.Event()
    variables = contextvars.copy_context()

    async def read() -> None:
        try:
            async for item in open_stream():
                items.put((True, item))
                if closing.is_set():
                    return
            items.put((False, None))
        except BaseException as error:
            items.put((False, error))

    thread = threading.Thread(target=variables.run, args=(lambda: asyncio.run(read()),))
    thread.start()
    try:
        while True:
            is_item, item = items.get()
            if is_item:
                yield item
            elif item is None:
                return
            else:
                raise item
    finally:
        closing.set()
        while not items.empty():
            items.get_nowait()
        thread.join()
