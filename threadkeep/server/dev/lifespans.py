"""The checkpointer and the store that `langgraph.json` names: the ones that the terminal uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.store.base import BaseStore

from threadkeep.server.saver import ServerSaver
from threadkeep.server.shared_memory import open_shared_memory


@asynccontextmanager
async def open_checkpointer() -> AsyncIterator[BaseCheckpointSaver[str]]:
    """Open the checkpointer; a thread is its owner's alone."""
    async with open_shared_memory() as memory:
        yield ServerSaver(memory)


@asynccontextmanager
async def open_store() -> AsyncIterator[BaseStore]:
    """Open the store; everybody sees only what is below their own key."""
    async with open_shared_memory() as memory:
        yield memory.store
