"""`threadkeep doctor`: what works, what does not, and what to do about it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from threadkeep.base.errors import StorageFailed, ThreadkeepError
from threadkeep.base.settings import Settings, create_data_folder
from threadkeep.checkpoints.locks import open_locks
from threadkeep.checkpoints.savers import open_saver
from threadkeep.cli.import_file import open_bar
from threadkeep.memory import open_memory
from threadkeep.stores.hybrid import HybridStore

Row = dict[str, Any]
Check = Callable[[], Awaitable[str]]


def run_doctor(settings: Settings, *, reindex: bool, sweep: bool, as_json: bool) -> None:
    """Check everything, print a line about each, and fail where something does not work.

    Raises:
        StorageFailed: something does not work.
    """

    async def run() -> bool:
        well = True
        async for row in examine(settings, reindex=reindex, sweep=sweep):
            well = well and bool(row["ok"])
            mark = "ok  " if row["ok"] else "FAIL"
            text = json.dumps(row) if as_json else f"{mark}  {row['check']}: {row['said']}"
            sys.stdout.write(text + "\n")
        return well

    if not asyncio.run(run()):
        raise StorageFailed("Something does not work; see the lines that begin with FAIL.")


async def examine(settings: Settings, *, reindex: bool, sweep: bool) -> AsyncIterator[Row]:
    """Yield what each check found."""
    yield await _row("checkpoints", lambda: check_checkpoints(settings, sweep=sweep))
    yield await _row("locks", lambda: check_locks(settings))
    try:
        create_data_folder(settings)
        async with open_memory(settings) as memory:
            store = memory.opened.store
            yield await _row("items", lambda: check_items(settings, store, sweep=sweep))
            yield await _row("vectors", lambda: check_vectors(settings, store))
            if reindex:
                yield await _row("indexes", lambda: make_indexes(store))
    except ThreadkeepError as error:
        yield {"check": "items", "ok": False, "said": str(error)}


async def check_checkpoints(settings: Settings, *, sweep: bool) -> str:
    """Open the checkpoints, and sweep them where that is wanted."""
    create_data_folder(settings)
    async with open_saver(settings.checkpoint_database, ttl_minutes=settings.ttl_minutes) as saver:
        await saver.aget_tuple({"configurable": {"thread_id": "doctor", "checkpoint_ns": ""}})
        swept = f", {await saver.asweep()} expired deleted" if sweep else ""  # type: ignore[attr-defined]
    return f"{settings.checkpoint_database}{swept}"


async def check_locks(settings: Settings) -> str:
    """Hold a thread that nobody has."""
    async with (
        open_locks(settings.checkpoint_database, settings.locks) as locks,
        locks.acquire("doctor", "doctor", wait=5),
    ):
        return "one turn at a time per thread"


async def check_items(settings: Settings, store: HybridStore, *, sweep: bool) -> str:
    """Look at the items, and sweep them where that is wanted."""
    waiting = await store.index.count_pending()
    swept = f", {await store.sweep()} expired deleted" if sweep else ""
    return f"{settings.item_database}, {waiting:,} still to be indexed by meaning{swept}"


async def check_vectors(settings: Settings, store: HybridStore) -> str:
    """Wait for Chroma.

    Raises:
        StorageFailed: it does not open.
    """
    with open_bar("Indexing") as progress:
        await store.index_pending(progress)
    if not store.vectors.available:
        raise StorageFailed(store.notice)
    place = settings.chroma_url or f"embedded in {settings.vectors}"
    return f"{place}, made with {store.vectors.identity.partition(' ')[0]}"


async def make_indexes(store: HybridStore) -> str:
    """Make words and vectors again from the items."""
    made = 0

    with open_bar("Indexing") as draw:

        def progress(done: int, total: int) -> None:
            nonlocal made
            made = done
            if draw:
                draw(done, total)

        await store.reindex(progress)
    return f"made again for {made:,} items"


async def _row(check: str, work: Check) -> Row:
    try:
        return {"check": check, "ok": True, "said": await work()}
    except ThreadkeepError as error:
        return {"check": check, "ok": False, "said": str(error)}
    except Exception as error:
        return {
            "check": check,
            "ok": False,
            "said": " ".join(f"{type(error).__name__}: {error}".split()),
        }
