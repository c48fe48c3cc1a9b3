"""Erase what a user names, and return a receipt."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

from threadkeep.base.errors import AccessRefused
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import acting_user
from threadkeep.base.validation import validate_id
from threadkeep.erase.intents import write_intent
from threadkeep.erase.plan import ErasurePlan, Target
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.resolve import resolve
from threadkeep.erase.steps import erasure_lock, run_erasure
from threadkeep.opened import Opened, Progress

MAX_LINES = 1_000
"""Lines of the plan in a receipt."""


async def plan_erasure(opened: Opened, user_id: str, target: Target) -> ErasurePlan:
    """Return what would be erased, without changing anything.

    Raises:
        AccessRefused: the acting user (see `threadkeep/base/user.py`) is another one, or missing.
        BadInput: the user has no such thing, or several.
    """
    user = validate_id(user_id, "user")
    if acting_user() != user:
        raise AccessRefused(f"The memory of {user!r} is forgotten by nobody else; forget your own.")
    return await resolve(opened, user, target)


async def erase(
    opened: Opened,
    user_id: str,
    target: Target,
    *,
    verify: bool = False,
    progress: Progress | None = None,
) -> Receipt:
    """Erase what a user names, and return the receipt; with `verify` all files are searched.

    When the process is killed, `finish_erasures` completes it.

    Raises:
        AccessRefused: the acting user (see `threadkeep/base/user.py`) is another one, or missing.
        BadInput: the user has no such thing, or several.
        ThreadBusy: a turn is open on a thread for too long; nothing was changed.
    """
    plan = await plan_erasure(opened, user_id, target)
    return await carry_out(opened, plan, verify=verify, progress=progress)


async def carry_out(
    opened: Opened, plan: ErasurePlan, *, verify: bool = False, progress: Progress | None = None
) -> Receipt:
    """Erase what a plan contains, and return the receipt.

    Raises:
        ThreadBusy: a turn is open on a thread for too long; nothing was changed.
    """
    receipt = Receipt(forgot=plan.kind, at=opened.clock().isoformat())
    receipt.what = [] if plan.kind == "user" else plan.lines(MAX_LINES)
    with storage_errors(opened.settings.checkpoint_database):
        async with _locked(opened, plan):
            intent = str(uuid4())
            await write_intent(opened.store, plan, intent)
            await run_erasure(opened, plan, intent, receipt, verify=verify, progress=progress)
    return receipt


@asynccontextmanager
async def _locked(opened: Opened, plan: ErasurePlan) -> AsyncIterator[None]:
    """Lock the erasures of a user and the threads of a plan, before anything changes."""
    locks, lock = opened.locks, erasure_lock(plan.owner)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(locks.acquire(lock, "forget"))
        if plan.kind == "user":
            # Too many to hold at once: each is free for a moment, then tombstones refuse writes.
            for thread in plan.threads:
                async with locks.acquire(thread, plan.name_of(thread)):
                    pass
        else:
            for thread in sorted({*plan.threads, *plan.changed_threads}):
                await stack.enter_async_context(locks.acquire(thread, plan.name_of(thread)))
        yield
        for name in [lock, *plan.threads]:
            await locks.discard(name)
