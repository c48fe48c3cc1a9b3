"""Write the rows of LangGraph's development server to their file as soon as they are acknowledged.

The server itself writes them every ten seconds, from a thread.
"""

import asyncio
import threading
from typing import Any

from langgraph_runtime_inmem._persistence import DISABLE_FILE_PERSISTENCE
from langgraph_runtime_inmem.database import GLOBAL_STORE

ATTEMPTS = 20
_write = GLOBAL_STORE.sync
_file_lock = threading.Lock()


class _Flushes:
    """The write under way and the next one, which all requests meanwhile share."""

    running: "asyncio.Task[None] | None" = None
    waiting: "asyncio.Task[None] | None" = None


def _write_alone() -> None:
    """Write the rows; never at the same time as the server's own thread."""
    with _file_lock:
        for attempt in range(ATTEMPTS):
            try:
                _write()
            except RuntimeError:  # A row was changed while it was written.
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return


def install() -> None:
    """Make the server's own thread write the rows in the same way."""
    store: Any = GLOBAL_STORE
    store.sync = _write_alone


async def flush_rows() -> None:
    """Return once all rows as they are now are in the file."""
    if DISABLE_FILE_PERSISTENCE:
        return
    if _Flushes.waiting is None:
        # The write under way may have passed the newest row already.
        _Flushes.waiting = asyncio.create_task(_flush_after(_Flushes.running))
    await asyncio.shield(_Flushes.waiting)


async def _flush_after(running: "asyncio.Task[None] | None") -> None:
    if running is not None:
        await asyncio.wait([running])
    _Flushes.running, _Flushes.waiting = _Flushes.waiting, None
    await asyncio.to_thread(_write_alone)
