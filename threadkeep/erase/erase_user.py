"""Erase everything that is stored of a user."""

from contextlib import suppress

from threadkeep.base.errors import ThreadBusy
from threadkeep.checkpoints.erasing import (
    count_checkpoints,
    delete_with_tombstone,
    threads_of_user,
)
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.erase.plan import ErasurePlan
from threadkeep.erase.receipt import DAMAGED_LABEL, LABELS, Receipt
from threadkeep.opened import Opened, Progress
from threadkeep.stores.access_tokens import TOKENS
from threadkeep.stores.blobs import all_blobs, evidence_of_blobs
from threadkeep.stores.quarantine import damaged_records, discard_damaged


async def erase_user(opened: Opened, plan: ErasurePlan, receipt: Receipt, report: Progress) -> None:
    """Delete a user's threads, items and access tokens."""
    saver = opened.inner_saver
    # Threads that began since the plan was made are included; the tombstone refuses later ones.
    current = await threads_of_user(saver, plan.user) if plan.user else []
    plan.threads = sorted({*plan.threads, *current})
    checkpoints, writes = await count_checkpoints(saver, plan.threads)
    for number, thread in enumerate(plan.threads):
        report("erasing threads", number, len(plan.threads))
        await _delete_checkpoints(opened, plan, thread)
    report("erasing threads", len(plan.threads), len(plan.threads))
    report("erasing items", 0, 1)
    async for blob in all_blobs(opened.store, plan.owner):
        plan.texts += await evidence_of_blobs(opened.store, plan.owner, [blob])
    counts = await opened.store.items.erase_owner(plan.owner)
    damaged = await damaged_records(opened.store, plan.owner)
    receipt.count(DAMAGED_LABEL, await discard_damaged(opened.store, damaged))
    report("erasing items", 1, 1)
    for record in await opened.turn_journal.records(plan.owner):
        await opened.turn_journal.delete(plan.owner, record.thread)
    receipt.removed |= {"checkpoints": checkpoints, "pending writes": writes}
    for token in plan.tokens:
        await opened.store.internal.adelete(TOKENS, token)
    receipt.removed["tokens of a server"] = len(plan.tokens)
    for label, number in counts.items():
        name = LABELS.get(label, f"items of {label}")
        receipt.removed[name] = receipt.removed.get(name, 0) + number


async def erase_new_threads(opened: Opened, plan: ErasurePlan) -> None:
    """Delete the threads that began during the erasure."""
    for thread in await threads_of_user(opened.inner_saver, plan.user):
        await _delete_checkpoints(opened, plan, thread)
        plan.threads.append(thread)


async def _delete_checkpoints(opened: Opened, plan: ErasurePlan, thread: str) -> None:
    # A turn that does not end is not waited for: the tombstone refuses what it writes.
    with suppress(ThreadBusy):
        async with opened.locks.acquire(thread, plan.name_of(thread), wait=WAIT_SECONDS):
            await delete_with_tombstone(opened.inner_saver, thread)
            await opened.turn_journal.delete(plan.owner, thread)
            await opened.locks.discard(thread)
            return
    await delete_with_tombstone(opened.inner_saver, thread)
    await opened.turn_journal.delete(plan.owner, thread)
