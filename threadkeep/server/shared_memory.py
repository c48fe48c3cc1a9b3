"""The databases of this server, opened once per event loop, whoever of its parts asks first."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from threadkeep.base.settings import Settings
from threadkeep.server.saver import ServerSaver
from threadkeep.stores.owned import OwnedStore
from threadkeep.turn_agent import Agent, open_agent

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What routes, credentials and runs of this server share."""

    agent: Agent
    saver: ServerSaver
    store: OwnedStore


@dataclass(kw_only=True)
class _Shared:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    memory: Memory | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


@asynccontextmanager
async def open_memory() -> AsyncIterator[Memory]:
    """Open the databases that the environment names; they close with the last who uses them.

    Raises:
        StorageFailed: a database cannot be used.
    """
    shared = _shared.setdefault(asyncio.get_running_loop(), _Shared())
    async with shared.lock:
        if shared.memory is None:
            shared.memory = await _opened(shared.stack)
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
    """Return what is open in this event loop; the server opens it before it answers."""
    memory = _shared[asyncio.get_running_loop()].memory
    assert memory is not None  # noqa: S101  (the server's lifespan holds it open)
    return memory


async def apart(work: Coroutine[Any, Any, T]) -> T:
    """Do something in an empty context: no request's credentials, no run's config in it."""
    return await asyncio.create_task(work, context=Context())


async def _opened(stack: AsyncExitStack) -> Memory:
    settings = await asyncio.to_thread(Settings)
    agent = await stack.enter_async_context(open_agent(settings))
    # A server lives long, and it is not yet asked for anything.
    agent.store.warm()
    return Memory(agent=agent, saver=ServerSaver(agent), store=OwnedStore(agent.store))
