"""What a program of ours does to its own process, and a library call must not."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_frozen: set[bool] = set()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a new event loop."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop, which halves what waiting costs, where it runs."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def freeze_loaded_objects(*, again: bool) -> None:
    """Take all objects that exist by now out of the garbage collector's sight.

    Once, and once more with `again`: after the vector index has been loaded. Libraries and tables
    are some 150,000 objects that never go: a full collection that visits them stops the process
    for 0.1 to 0.2 s, now and then in the middle of an answer.
    """
    # `gc.get_freeze_count` counts them all, for 0.03 s a turn.
    if again not in _frozen:
        gc.freeze()
        _frozen.add(again)
