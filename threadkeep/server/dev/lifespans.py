"""The checkpointer and the store that `langgraph.json` names, over the shared memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.store.base import BaseStore

from threadkeep.server.dev.saver import ServerSaver
from threadkeep.server.dev.shared_memory import open_shared_memory


@asynccontextmanager
async def open_checkpointer() -> AsyncIterator[BaseCheckpointSaver[str]]:
    """Open the checkpointer; only the owner can use a thread."""
    async with open_shared_memory() as memory:
        yield ServerSaver(memory)


@asynccontextmanager
async def open_store() -> AsyncIterator[BaseStore]:
    """Open the store; a user can use only the namespaces below their own key."""
    async with open_shared_memory() as memory:
        yield memory.store
