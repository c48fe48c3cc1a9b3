"""Finish what an earlier process began to forget and was killed at."""

from threadkeep.base.clock import now
from threadkeep.base.errors import ThreadBusy
from threadkeep.erase.erase import erasures_of, run
from threadkeep.erase.intents import INTENTS
from threadkeep.erase.plan import Plan
from threadkeep.erase.receipt import Receipt
from threadkeep.opened import Opened, Progress

MOST = 1_000


async def finish_erasures(opened: Opened, progress: Progress | None = None) -> list[Receipt]:
    """Finish erasures that were cut off, of whomever; those that go on elsewhere are left alone."""
    done = []
    for item in await opened.store.asearch(INTENTS, limit=MOST, refresh_ttl=False):
        plan = Plan.of(item.value)
        receipt = Receipt(forgot=plan.kind, at=now().isoformat())
        try:
            async with opened.locks.acquire(erasures_of(plan.owner), "forget", wait=0.0):
                await run(opened, plan, item.key, receipt, progress=progress)
        except ThreadBusy:
            continue  # Not cut off: another process is at it right now.
        await opened.locks.discard(erasures_of(plan.owner))
        done.append(receipt)
    return done
