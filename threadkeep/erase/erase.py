"""Forget: write down what is to go, let it go everywhere, and say what became of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from uuid import uuid4

from langgraph.store.base import BaseStore

from threadkeep.base.clock import now
from threadkeep.base.errors import AccessRefused
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import acting_user
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.owner_records import current_checkpoint_id
from threadkeep.erase.intents import INTENTS
from threadkeep.erase.partial import erase_parts
from threadkeep.erase.plan import Plan, Target
from threadkeep.erase.receipt import Receipt, not_proven
from threadkeep.erase.resolve import resolve
from threadkeep.erase.scrub import empty_logs, scrub
from threadkeep.erase.search_strings import evidence_of
from threadkeep.erase.string_matcher import StringMatcher
from threadkeep.erase.verify import scan
from threadkeep.erase.whole_user import erase_late, erase_user
from threadkeep.opened import Opened, Progress
from threadkeep.stores.tombstones import forgetting, tombstone_of

ERRORS = "errors.log"


async def plan_erasure(opened: Opened, user_id: str, target: Target) -> Plan:
    """Return what would go, without changing anything.

    Raises:
        AccessRefused: the user who asks (see `threadkeep/base/user.py`) is another one, or nobody.
        BadInput: there is no such thing of this user's, or more than one.
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
    """Forget what a user names, in a process in which all is open, and return the receipt.

    Killed half-way, `finish_erasures` finishes it. With `verify` every file is read for what went.

    Raises:
        AccessRefused: the user who asks (see `threadkeep/base/user.py`) is another one, or nobody.
        BadInput: there is no such thing of this user's, or more than one.
        ThreadBusy: a turn is open on one of the threads for too long; nothing was changed.
    """
    plan = await plan_erasure(opened, user_id, target)
    return await carry_out(opened, plan, verify=verify, progress=progress)


async def carry_out(
    opened: Opened, plan: Plan, *, verify: bool = False, progress: Progress | None = None
) -> Receipt:
    """Forget what a plan says, and return the receipt.

    Raises:
        ThreadBusy: a turn is open on one of the threads for too long; nothing was changed.
    """
    receipt = Receipt(forgot=plan.kind, at=now().isoformat())
    receipt.what = [] if plan.kind == "user" else plan.lines(1_000)
    with storage_errors(opened.settings.checkpoint_database):
        async with _alone(opened, plan):
            intent = str(uuid4())
            await write_intent(opened.store, plan, intent)
            await run(opened, plan, intent, receipt, verify=verify, progress=progress)
    return receipt


async def write_intent(store: BaseStore, plan: Plan, intent: str) -> None:
    """Write down what is to go: ids alone. From then on it is finished, whatever happens."""
    await store.aput(INTENTS, intent, {**plan.intent, "at": current_checkpoint_id()}, index=False)


async def run(
    opened: Opened,
    plan: Plan,
    intent: str,
    receipt: Receipt,
    *,
    verify: bool = False,
    progress: Progress | None = None,
) -> None:
    """Do all steps of an erasure that is written down. Each may be done twice."""
    began, tell = monotonic(), progress or _silent
    item = await opened.store.aget(INTENTS, intent)
    at = str(item.value["at"]) if item else current_checkpoint_id()
    marks = tombstones(plan)
    with forgetting():
        await opened.store.items.put_tombstones(plan.owner, marks, {"at": at, "open": True})
        work = erase_user if plan.kind == "user" else erase_parts
        await work(opened, plan, receipt, tell)
        await _forget_vectors(opened, plan, receipt, tell)
        await _forget_errors(opened, plan, receipt)
        if plan.user and plan.kind == "user":
            await erase_late(opened, plan)
        if not await scrub(opened, tell):
            receipt.left.append(
                "the database's write-ahead log is read by another process; threadkeep doctor "
                "empties it once that process has ended"
            )
        # Last of all what says that there is something left to do; then nothing of it stays.
        closed = {"at": current_checkpoint_id() if plan.kind == "user" else at, "open": False}
        await opened.store.items.put_tombstones(plan.owner, marks, closed)
        await opened.store.adelete(INTENTS, intent)
        await empty_logs(opened)
    receipt.kept["marks by which late writes are refused"] = len(marks) + len(plan.threads)
    found = await scan(opened, plan, tell, files=verify)
    receipt.scanned, receipt.found = found.value, found.found
    receipt.not_proven = not_proven(opened.settings, opened.store.vectors.server, verified=verify)
    receipt.seconds = round(monotonic() - began, 3)


def tombstones(plan: Plan) -> list[str]:
    """Return the marks that refuse what comes late."""
    if plan.kind == "user":
        return [tombstone_of(plan.owner)]
    threads = [tombstone_of(plan.owner, "thread", each) for each in plan.threads]
    return threads + [tombstone_of(plan.owner, "message", each) for each in sorted(plan.messages)]


@asynccontextmanager
async def _alone(opened: Opened, plan: Plan) -> AsyncIterator[None]:
    """Hold the erasures of one user, and the threads that are changed, before anything is."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened.locks.acquire(erasures_of(plan.owner), "forget"))
        if plan.kind == "user":
            # Too many to hold at once: each must be free now, and the marks do the rest.
            for thread in plan.threads:
                async with opened.locks.acquire(thread, plan.names.get(thread, thread)):
                    pass
        else:
            for thread in sorted({*plan.threads, *plan.touched}):
                name = plan.names.get(thread, thread)
                await stack.enter_async_context(opened.locks.acquire(thread, name))
        yield
        for thread in [erasures_of(plan.owner), *plan.threads]:
            await opened.locks.discard(thread)


def erasures_of(owner: str) -> str:
    """Return what is held while something of a user's is forgotten."""
    return f"erasures of {owner}"


async def _forget_vectors(opened: Opened, plan: Plan, receipt: Receipt, tell: Progress) -> None:
    tell("erasing vectors", 0, 1)
    before = await opened.store.count_vectors(plan.owner)
    if not await opened.store.forget_index(plan.owner, whole=plan.kind == "user"):
        receipt.left.append(
            "the vector index is open in another process, which will clean it when it next "
            "indexes; threadkeep doctor cleans it once that process has ended"
        )
    receipt.removed["vectors"] = before - await opened.store.count_vectors(plan.owner)
    tell("erasing vectors", 1, 1)


async def _forget_errors(opened: Opened, plan: Plan, receipt: Receipt) -> None:
    """Delete the log of inner errors where it quotes what is forgotten."""
    path = opened.settings.home / ERRORS
    if not await asyncio.to_thread(path.exists):
        return
    strings = evidence_of(plan.texts, (), {*plan.messages, plan.owner, plan.user} - {""})
    matcher = await asyncio.to_thread(StringMatcher, sorted(strings))
    quoted = await asyncio.to_thread(matcher.search_file, path)
    if plan.kind == "user" or quoted:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        receipt.removed["logs of inner errors"] = 1


def _silent(_: str, __: int, ___: int) -> None:
    """Tell nobody."""
