"""`threadkeep doctor`: what works, what does not, and what to do about it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointMetadata, empty_checkpoint
from typing_extensions import TypedDict

from threadkeep.base.clock import now
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.errors import StorageFailed, ThreadkeepError
from threadkeep.base.settings import Settings
from threadkeep.base.storage_errors import is_driver_error, reason_of, storage_errors
from threadkeep.checkpoints.damaged import Checkable
from threadkeep.checkpoints.locks import open_locks
from threadkeep.checkpoints.savers import open_saver
from threadkeep.checkpoints.turn_journal import TurnJournal
from threadkeep.cli.output import json_line, one_line, print_lines
from threadkeep.cli.progress import open_progress
from threadkeep.erase.intents import unfinished_erasures
from threadkeep.memory import open_memory
from threadkeep.process import run
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.namespaces import INTERNAL, Namespace, user_key
from threadkeep.stores.quarantine import damaged_records, discard_damaged

PROBE: Namespace = (INTERNAL, "doctor")
PROBE_THREAD = "doctor"
MAX_NAMED = 20
"""Records that cannot be read of which each is named."""


class CheckResult(TypedDict):
    """One line of the doctor."""

    check: str
    ok: bool
    said: str


def run_doctor(
    settings: Settings, *, reindex: bool, sweep: bool, discard: bool, as_json: bool
) -> None:
    """Check everything and print a line about each check.

    Raises:
        StorageFailed: something does not work.
    """
    if not run(
        _print_checks(settings, reindex=reindex, sweep=sweep, discard=discard, as_json=as_json)
    ):
        raise StorageFailed("Something does not work; see the lines that begin with FAIL.")


async def _print_checks(
    settings: Settings, *, reindex: bool, sweep: bool, discard: bool, as_json: bool
) -> bool:
    all_ok = True
    async for result in run_checks(settings, reindex=reindex, sweep=sweep, discard=discard):
        all_ok = all_ok and result["ok"]
        mark = "ok  " if result["ok"] else "FAIL"
        line = f"{mark}  {result['check']}: {result['said']}"
        print_lines([json_line(result) if as_json else line])
    return all_ok


async def run_checks(
    settings: Settings, *, reindex: bool = False, sweep: bool = False, discard: bool = False
) -> AsyncIterator[CheckResult]:
    """Yield the result of each check."""
    yield await _result("checkpoints", lambda: check_checkpoints(settings, sweep=sweep))
    yield await _result("locks", lambda: check_locks(settings))
    try:
        create_data_folder(settings)
        async with open_memory(settings) as memory:
            store = memory.opened.store
            yield await _result("items", lambda: check_items(settings, store, sweep=sweep))
            yield await _result("records", lambda: check_records(store, discard=discard))
            yield await _result("erasures", lambda: check_erasures(store))
            yield await _result("turns", lambda: check_turns(memory.opened.turn_journal))
            yield await _result("vectors", lambda: check_vectors(settings, store))
            if reindex:
                yield await _result("indexes", lambda: rebuild_indexes(store))
    except ThreadkeepError as error:
        yield {"check": "items", "ok": False, "said": str(error)}


async def check_checkpoints(settings: Settings, *, sweep: bool) -> str:
    """Read all checkpoints, and write one; with `sweep` delete expired ones.

    Raises:
        StorageFailed: the database is damaged, or a state cannot be read.
    """
    create_data_folder(settings)
    database = settings.checkpoint_database
    async with open_saver(database, ttl_minutes=settings.ttl_minutes) as saver:
        swept = f", {await saver.asweep()} expired deleted" if sweep else ""  # type: ignore[attr-defined]
        with storage_errors(database):
            threads = await read_all(saver)
            await write_probe(saver)
    if threads:
        names = ", ".join(threads[:MAX_NAMED])
        raise StorageFailed(
            f"{len(threads):,} threads have states that cannot be read ({names}). Their stored "
            "messages can; go on from the last readable state, in another thread, or delete them."
        )
    return f"{database}{swept}"


async def read_all(saver: BaseCheckpointSaver[Any]) -> list[str]:
    """Read all checkpoints; return the ids of threads with one that cannot be read."""
    if isinstance(saver, Checkable):
        await saver.acheck()
    threads = await saver.athreads()  # type: ignore[attr-defined]
    for thread in threads:
        async for _ in saver.alist({"configurable": {"thread_id": thread}}):
            pass
    damage = getattr(saver, "damage", None)
    return sorted(damage.threads) if damage else []


async def write_probe(saver: BaseCheckpointSaver[Any]) -> None:
    """Write a checkpoint, and delete it."""
    config: RunnableConfig = {"configurable": {"thread_id": PROBE_THREAD, "checkpoint_ns": ""}}
    metadata: CheckpointMetadata = {"source": "update", "step": -1, "parents": {}}
    await saver.aput(config, empty_checkpoint(), metadata, {})
    await saver.adelete_thread(PROBE_THREAD)


async def check_locks(settings: Settings) -> str:
    """Acquire and release the lock of a thread that nobody uses."""
    async with (
        open_locks(settings.checkpoint_database, settings.locks) as locks,
        locks.acquire("doctor", "doctor", wait=5),
    ):
        return "one turn at a time per thread"


async def check_items(settings: Settings, store: HybridStore, *, sweep: bool) -> str:
    """Read all items, write one, and count what is pending; with `sweep` delete expired ones.

    Raises:
        StorageFailed: the database is damaged, or the key of its users is lost.
    """
    with storage_errors(settings.item_database):
        await user_key(store, "doctor")
        await store.items.check()
        await store.items.quarantine_damaged()
        await store.internal.aput(PROBE, "probe", {"at": now().isoformat()}, index=False)
        await store.internal.adelete(PROBE, "probe")
        pending = await store.index.count_pending()
        swept = f", {await store.sweep()} expired deleted" if sweep else ""
    return f"{settings.item_database}, {pending:,} still to be indexed by meaning{swept}"


async def check_records(store: HybridStore, *, discard: bool) -> str:
    """Name the records that were set aside; with `discard` delete them.

    Raises:
        StorageFailed: there are such records.
    """
    records = await damaged_records(store)
    if discard:
        return f"{await discard_damaged(store, records)} that cannot be read deleted"
    if records:
        more = f" There are {len(records) - MAX_NAMED:,} more." if len(records) > MAX_NAMED else ""
        sentences = " ".join(record.sentence for record in records[:MAX_NAMED])
        raise StorageFailed(
            f"{sentences}{more} threadkeep doctor --discard deletes what is set aside."
        )
    return "all can be read"


async def check_erasures(store: HybridStore) -> str:
    """Read the unfinished erasures.

    Raises:
        StorageFailed: one has failed.
    """
    erasures = await unfinished_erasures(store)
    if failed := [erasure.sentence for erasure in erasures if erasure.reason]:
        raise StorageFailed(" ".join(failed))
    return f"{len(erasures)} unfinished"


async def check_turns(journal: TurnJournal) -> str:
    """Read the turns that are under way, or whose messages got no answer."""
    records = await journal.records()
    sentences = [record.sentence for record in records if record.waits]
    return " ".join(sentences) or f"{len(records)} unfinished"


async def check_vectors(settings: Settings, store: HybridStore) -> str:
    """Open Chroma, and index what is pending.

    Raises:
        StorageFailed: Chroma does not open, or vectors are damaged.
    """
    with open_progress("Indexing") as progress:
        await store.index_pending(progress)
    if not store.vectors.available:
        raise StorageFailed(store.notice)
    if store.vectors.has_damaged:
        raise StorageFailed(
            "A folder of vectors was damaged and is made again; "
            "threadkeep doctor tells when it is whole."
        )
    place = settings.chroma_url or f"embedded in {settings.vectors}"
    return f"{place}, made with {store.vectors.identity.partition(' ')[0]}"


async def rebuild_indexes(store: HybridStore) -> str:
    """Make words and vectors again from the items."""
    count = 0

    with open_progress("Indexing") as draw:

        def progress(completed: int, total: int) -> None:
            nonlocal count
            count = completed
            if draw:
                draw(completed, total)

        await store.reindex(progress)
    return f"made again for {count:,} items"


async def _result(check: str, run_check: Callable[[], Awaitable[str]]) -> CheckResult:
    try:
        return {"check": check, "ok": True, "said": await run_check()}
    except ThreadkeepError as error:
        return {"check": check, "ok": False, "said": str(error)}
    except Exception as error:
        # A driver's error may quote what is stored.
        said = reason_of(error) if is_driver_error(error) else f"{type(error).__name__}: {error}"
        return {"check": check, "ok": False, "said": one_line(said)}
