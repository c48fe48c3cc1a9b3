"""The event loop of a process of ours: uvloop, which halves what waiting costs, where it runs."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_settled = False


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a new event loop."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def settle() -> None:
    """Take everything that is loaded by now out of the garbage collector's sight.

    Libraries and tables are some 150,000 objects that never go: a full collection that visits
    them stops the process for 0.1 to 0.2 s, now and then in the middle of an answer.
    """
    # Remembered here: to ask the collector whether it has, it counts them all, for 0.03 s a turn.
    global _settled
    if not _settled:
        gc.freeze()
        _settled = True
