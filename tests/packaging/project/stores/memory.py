"""Threadkeep's saver and store, on the data folder that the environment names."""

from contextlib import asynccontextmanager

import threadkeep


@asynccontextmanager
async def open_checkpointer():
    """Open the saver."""
    database = threadkeep.Settings().checkpoint_database
    async with threadkeep.open_checkpointer(database) as saver:
        yield saver


@asynccontextmanager
async def open_store():
    """Open the store."""
    async with threadkeep.open_store(threadkeep.Settings()) as store:
        yield threadkeep.OwnedStore(store)
