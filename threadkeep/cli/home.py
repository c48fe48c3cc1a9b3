"""The store as commands open it: what an earlier process was killed at forgetting is finished."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from threadkeep.base.settings import Settings
from threadkeep.cli.failures import complain
from threadkeep.erase.intents import has_erasures
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.hybrid import open_store as open_plain_store


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[HybridStore]:
    """Open the store; finish first what was being forgotten, and say so.

    Raises:
        StorageFailed: a database cannot be used.
    """
    async with open_plain_store(settings) as store:
        if await has_erasures(store):
            await _finish(settings, store)
        yield store


async def _finish(settings: Settings, store: HybridStore) -> None:
    # Imported where it is wanted: nearly never.
    from threadkeep.cli.forget import open_steps
    from threadkeep.erase.resume import finish_erasures
    from threadkeep.opened import open_opened

    async with open_opened(settings, store) as opened:
        with open_steps() as progress:
            receipts = await finish_erasures(opened, progress)
    for receipt in receipts:
        complain(receipt.finished)
