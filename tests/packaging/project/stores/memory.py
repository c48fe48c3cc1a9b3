"""Threadkeep's saver and store, on the data folder that the environment names."""

from contextlib import asynccontextmanager

from threadkeep.base.settings import Settings
from threadkeep.checkpoints import savers
from threadkeep.stores import hybrid


@asynccontextmanager
async def open_checkpointer():
    """Open the saver; the store is open around it, as it sets up a new data folder."""
    database = Settings().checkpoint_database
    async with open_store(), savers.open_checkpointer(database) as saver:
        yield saver


@asynccontextmanager
async def open_store():
    """Open the store."""
    async with hybrid.open_store(Settings()) as store:
        yield store
