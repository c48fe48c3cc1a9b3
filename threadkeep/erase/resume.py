"""Complete erasures that were interrupted."""

from threadkeep.base.errors import ThreadBusy
from threadkeep.erase.intents import INTENTS
from threadkeep.erase.plan import ErasurePlan
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.steps import erasure_lock, run_erasure
from threadkeep.opened import Opened, Progress

MAX_INTENTS = 1_000


async def finish_erasures(opened: Opened, progress: Progress | None = None) -> list[Receipt]:
    """Complete the interrupted erasures of all users; skip those that another process runs."""
    receipts = []
    for item in await opened.store.asearch(INTENTS, limit=MAX_INTENTS, refresh_ttl=False):
        plan = ErasurePlan.from_intent(item.value)
        lock = erasure_lock(plan.owner)
        receipt = Receipt(forgot=plan.kind, at=opened.clock().isoformat())
        try:
            async with opened.locks.acquire(lock, "forget", wait=0.0):
                await run_erasure(opened, plan, item.key, receipt, progress=progress)
        except ThreadBusy:
            continue
        await opened.locks.discard(lock)
        receipts.append(receipt)
    return receipts
