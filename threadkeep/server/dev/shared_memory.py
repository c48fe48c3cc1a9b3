"""The memory of the development server, opened once per event loop by the first of its parts.

langgraph.json names the checkpointer, the store, the app and the authentication one by one. They
share no object, so they find the memory through the event loop.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from threadkeep.base.settings import Settings
from threadkeep.memory import Memory, open_memory
from threadkeep.server.dev.server_rows import ServerRows


@dataclass(kw_only=True)
class _SharedMemory:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    memory: Memory | None = None
    rows: ServerRows | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _SharedMemory] = WeakKeyDictionary()


@asynccontextmanager
async def open_shared_memory() -> AsyncIterator[Memory]:
    """Open the memory of the environment's settings, or use the open one; the last user closes it.

    Raises:
        StorageFailed: a database cannot be used.
    """
    shared = _shared.setdefault(asyncio.get_running_loop(), _SharedMemory())
    async with shared.lock:
        if shared.memory is None:
            settings = await asyncio.to_thread(Settings)
            shared.memory = await shared.stack.enter_async_context(open_memory(settings))
            shared.rows = ServerRows(shared.memory)
            # Load what searches need before the first request.
            shared.memory.opened.store.warm()
        shared.users += 1
    try:
        yield shared.memory
    finally:
        async with shared.lock:
            shared.users -= 1
            if not shared.users:
                shared.memory = shared.rows = None
                await shared.stack.aclose()


def current_memory() -> Memory:
    """Return the memory of this event loop.

    Raises:
        RuntimeError: it is not open.
    """
    shared = _shared.get(asyncio.get_running_loop())
    if shared is None or shared.memory is None:
        raise RuntimeError("the server's memory is not open")
    return shared.memory


def current_rows() -> ServerRows:
    """Return the server's rows of this event loop.

    Raises:
        RuntimeError: the memory is not open.
    """
    shared = _shared.get(asyncio.get_running_loop())
    if shared is None or shared.rows is None:
        raise RuntimeError("the server's memory is not open")
    return shared.rows
