"""Complete erasures that were interrupted; one that fails stops nobody else."""

import logging

from langgraph.store.base import Item

from threadkeep.base.errors import ThreadBusy
from threadkeep.erase.intents import (
    INTENTS,
    read_intents,
    record_failure,
    unfinished_erasure,
    unfinished_erasures,
)
from threadkeep.erase.plan import ErasurePlan
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.steps import erasure_lock, run_erasure
from threadkeep.opened import Opened, Progress

log = logging.getLogger(__name__)


async def finish_erasures(opened: Opened, progress: Progress | None = None) -> list[Receipt]:
    """Complete the interrupted erasures of all users, and return their receipts.

    Skip those that another process runs, and those that are quarantined after several failures.
    """
    try:
        items = await read_intents(opened.store)
    except Exception as error:
        log.warning("The interrupted erasures cannot be read (%s).", type(error).__name__)
        return []
    receipts = []
    for item in items:
        if unfinished_erasure(item).is_quarantined:
            continue
        try:
            receipts += await _finish(opened, item, progress)
        except Exception as error:
            log.warning("An interrupted erasure failed (%s).", type(error).__name__)
    return receipts


async def retry_erasures(
    opened: Opened, owner: str, progress: Progress | None = None
) -> tuple[list[Receipt], list[str]]:
    """Try the unfinished erasures of a user again, those that are quarantined too.

    Return the receipts, and a sentence about each erasure that is still unfinished.
    """
    receipts = []
    for item in await read_intents(opened.store, owner):
        receipts += await _finish(opened, item, progress)
    unfinished = await unfinished_erasures(opened.store, owner)
    return receipts, [erasure.sentence for erasure in unfinished]


async def _finish(opened: Opened, item: Item, progress: Progress | None) -> list[Receipt]:
    """Complete one erasure; record a failure in its intent."""
    try:
        plan = ErasurePlan.from_intent(item.value)
        lock = erasure_lock(plan.owner)
        receipt = Receipt(forgot=plan.kind, at=opened.clock().isoformat())
        async with opened.locks.acquire(lock, "forget", wait=0.0):
            if await opened.store.internal.aget(INTENTS, item.key) is None:
                return []  # Another process has completed it.
            await run_erasure(opened, plan, item.key, receipt, progress=progress)
        await opened.locks.discard(lock)
    except ThreadBusy:
        return []
    except Exception as error:
        await record_failure(opened.store, item, error)
        return []
    return [receipt]
