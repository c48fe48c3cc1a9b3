"""The steps of an erasure whose intent is stored. Each step is idempotent."""

import asyncio
from time import monotonic

from threadkeep.checkpoints.owner_records import current_checkpoint_id
from threadkeep.erase.erase_parts import erase_parts
from threadkeep.erase.erase_user import erase_new_threads, erase_user
from threadkeep.erase.evidence import evidence_strings
from threadkeep.erase.intents import INTENTS
from threadkeep.erase.plan import ErasurePlan
from threadkeep.erase.receipt import Receipt, not_proven
from threadkeep.erase.scrub import empty_logs, scrub
from threadkeep.erase.string_matcher import StringMatcher
from threadkeep.erase.verify import scan
from threadkeep.opened import Opened, Progress
from threadkeep.stores.tombstones import erasing, tombstone_of

ERROR_LOG = "errors.log"
LOG_IN_USE = (
    "the database's write-ahead log is read by another process; threadkeep doctor empties it "
    "once that process has ended"
)
VECTORS_IN_USE = (
    "the vector index is open in another process, which will clean it when it next indexes; "
    "threadkeep doctor cleans it once that process has ended"
)


async def run_erasure(
    opened: Opened,
    plan: ErasurePlan,
    intent: str,
    receipt: Receipt,
    *,
    verify: bool = False,
    progress: Progress | None = None,
) -> None:
    """Erase, scrub and scan, and complete the receipt."""
    start, report = monotonic(), progress or _ignore_progress
    marks = tombstones(plan)
    with erasing(), opened.store.dependencies.in_use():
        await _erase(opened, plan, intent, receipt, marks, report)
    receipt.kept["marks by which late writes are refused"] = len(marks) + len(plan.threads)
    result = await scan(opened, plan, report, files=verify)
    receipt.scanned, receipt.found = result.as_json(), result.places
    server = opened.store.vectors.server
    receipt.not_proven = not_proven(opened.settings, server, verified=verify)
    receipt.seconds = round(monotonic() - start, 3)


def tombstones(plan: ErasurePlan) -> list[str]:
    """Return the tombstones that refuse late writes."""
    if plan.kind == "user":
        return [tombstone_of(plan.owner)]
    threads = [tombstone_of(plan.owner, "thread", thread) for thread in plan.threads]
    messages = [tombstone_of(plan.owner, "message", key) for key in sorted(plan.message_ids)]
    return threads + messages + plan.import_marks


def erasure_lock(owner: str) -> str:
    """Return the name of the lock that allows one erasure of a user at a time."""
    return f"erasures of {owner}"


async def _erase(
    opened: Opened,
    plan: ErasurePlan,
    intent: str,
    receipt: Receipt,
    marks: list[str],
    report: Progress,
) -> None:
    items = opened.store.items
    item = await items.aget(INTENTS, intent)
    at = str(item.value["at"]) if item else current_checkpoint_id()
    await items.put_tombstones(plan.owner, marks, {"at": at, "open": True})
    erase = erase_user if plan.kind == "user" else erase_parts
    await erase(opened, plan, receipt, report)
    await _erase_vectors(opened, plan, receipt, report)
    await _erase_error_log(opened, plan, receipt)
    if plan.user and plan.kind == "user":
        await erase_new_threads(opened, plan)
    if not await scrub(opened, report):
        receipt.left.append(LOG_IN_USE)
    # The intent goes last, then the log that still holds it.
    closed_at = current_checkpoint_id() if plan.kind == "user" else at
    await items.put_tombstones(plan.owner, marks, {"at": closed_at, "open": False})
    await items.adelete(INTENTS, intent)
    await empty_logs(opened)


async def _erase_vectors(
    opened: Opened, plan: ErasurePlan, receipt: Receipt, report: Progress
) -> None:
    report("erasing vectors", 0, 1)
    before = await opened.store.count_vectors(plan.owner)
    if not await opened.store.erase_index(plan.owner):
        receipt.left.append(VECTORS_IN_USE)
    receipt.removed["vectors"] = before - await opened.store.count_vectors(plan.owner)
    report("erasing vectors", 1, 1)


async def _erase_error_log(opened: Opened, plan: ErasurePlan, receipt: Receipt) -> None:
    """Delete the log of internal errors if it quotes what is erased."""
    path = opened.settings.home / ERROR_LOG
    if not await asyncio.to_thread(path.exists):
        return
    ids = {*plan.message_ids, plan.owner, plan.user} - {""}
    strings = evidence_strings(plan.texts, (), ids)
    matcher = await asyncio.to_thread(StringMatcher, sorted(strings))
    quotes = await asyncio.to_thread(matcher.search_file, path)
    if plan.kind == "user" or quotes:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        receipt.removed["logs of inner errors"] = 1


def _ignore_progress(_: str, __: int, ___: int) -> None:
    pass
