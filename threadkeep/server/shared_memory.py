"""The memory of this server, opened once per event loop, whichever part needs it first."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from threadkeep.base.settings import Settings
from threadkeep.memory import Memory, open_memory

T = TypeVar("T")


@dataclass(kw_only=True)
class _Shared:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    memory: Memory | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


@asynccontextmanager
async def open_shared_memory() -> AsyncIterator[Memory]:
    """Open the memory of the environment's settings; it closes with the last who uses it.

    Raises:
        StorageFailed: a database cannot be used.
    """
    shared = _shared.setdefault(asyncio.get_running_loop(), _Shared())
    async with shared.lock:
        if shared.memory is None:
            settings = await asyncio.to_thread(Settings)
            shared.memory = await shared.stack.enter_async_context(open_memory(settings))
            # A server lives long, and no request waits yet.
            shared.memory.opened.store.warm()
        shared.users += 1
    try:
        yield shared.memory
    finally:
        async with shared.lock:
            shared.users -= 1
            if not shared.users:
                shared.memory = None
                await shared.stack.aclose()


def current_memory() -> Memory:
    """Return the memory of this event loop; the server's lifespan holds it open."""
    memory = _shared[asyncio.get_running_loop()].memory
    if memory is None:
        raise RuntimeError("the server's memory is not open")
    return memory


async def run_detached(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in an empty context: without the request's credentials and run config."""
    return await asyncio.create_task(work, context=Context())
