"""All that is kept of one user goes."""

from contextlib import suppress

from threadkeep.base.errors import ThreadBusy
from threadkeep.checkpoints.erasing import count_checkpoints, delete_with_tombstone, threads_of_user
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.erase.plan import Plan
from threadkeep.erase.receipt import Receipt
from threadkeep.opened import Opened, Progress
from threadkeep.stores.access_tokens import TOKENS

LABELS = {
    "messages": "messages",
    "abandoned": "messages on branches that were left",
    "notes": "notes of what messages taught",
    "entities": "entities",
    "facts": "facts",
    "threads": "thread records",
    "usage": "sums of usage",
    "open": "open turns",
    "words": "rows of the full-text index",
}
"""What a receipt calls the items below a user's key."""


async def erase_user(opened: Opened, plan: Plan, receipt: Receipt, tell: Progress) -> None:
    """Delete a user's threads, then their items with words and marks."""
    saver = opened.inner_saver
    # Those too that began since the plan was made: from here on nothing more is written.
    begun = await threads_of_user(saver, plan.user) if plan.user else []
    plan.threads = sorted({*plan.threads, *begun})
    checkpoints, writes = await count_checkpoints(saver, plan.threads)
    for number, thread in enumerate(plan.threads):
        tell("erasing threads", number, len(plan.threads))
        await bury_thread(opened, plan, thread)
    tell("erasing threads", len(plan.threads), len(plan.threads))
    tell("erasing items", 0, 1)
    counts = await opened.store.items.erase_owner(plan.owner)
    tell("erasing items", 1, 1)
    receipt.removed |= {"checkpoints": checkpoints, "pending writes": writes}
    for token in plan.tokens:
        await opened.store.adelete(TOKENS, token)
    receipt.removed["tokens of a server"] = len(plan.tokens)
    for label, number in counts.items():
        name = LABELS.get(label, f"items of {label}")
        receipt.removed[name] = receipt.removed.get(name, 0) + number


async def bury_thread(opened: Opened, plan: Plan, thread: str) -> None:
    """Delete a thread's checkpoints; what comes late is refused."""
    # A turn that will not end writes nothing more, whether or not it is waited for.
    with suppress(ThreadBusy):
        async with opened.locks.acquire(thread, plan.names.get(thread, thread), wait=WAIT_SECONDS):
            await delete_with_tombstone(opened.inner_saver, thread)
            await opened.turn_journal.finish(plan.owner, thread)
            await opened.locks.discard(thread)
            return
    await delete_with_tombstone(opened.inner_saver, thread)
    await opened.turn_journal.finish(plan.owner, thread)


async def erase_late(opened: Opened, plan: Plan) -> None:
    """Delete the threads that somebody began while all the others went."""
    for thread in await threads_of_user(opened.inner_saver, plan.user):
        await bury_thread(opened, plan, thread)
        plan.threads.append(thread)
