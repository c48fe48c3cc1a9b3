"""`threadkeep migrate`: memory from one database to another, of one user or of all."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings, create_data_folder
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.locks import open_locks
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import open_checkpointer
from threadkeep.cli.event_loop import run
from threadkeep.cli.failures import complain
from threadkeep.cli.home import open_store
from threadkeep.cli.import_file import counted, open_bar
from threadkeep.stores.hybrid import HybridStore
from threadkeep.transfer.export import export_user
from threadkeep.transfer.migrate import (
    Migrated,
    Progress,
    copy_items,
    copy_lives,
    copy_threads,
    finish,
    prepare,
)
from threadkeep.transfer.read import survey
from threadkeep.transfer.restore import Restored, restore_user

MORE = "What was copied until now stays; run it again for the rest."


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The two homes of memory, open."""

    store: HybridStore
    saver: OwnedSaver


def run_migrate(source: Settings, target: Settings, user: str | None) -> None:
    """Migrate with a progress bar, and print what was copied.

    Raises:
        BadInput: the two are one, or one is gone with this process.
    """
    check_two(source, target)
    try:
        with open_bar("Migrating") as progress:
            if user is None:
                said = _all(run(migrate_all(source, target, progress)), target)
            else:
                said = _one(run(migrate_user(source, target, user, progress)))
    except KeyboardInterrupt:
        complain(MORE)
        raise
    sys.stdout.write(f"{said}\n")


def check_two(source: Settings, target: Settings) -> None:
    """Refuse databases that are one, or that end with this process."""
    for settings in (source, target):
        if "memory" in (settings.checkpoint_database.kind, settings.item_database.kind):
            raise BadInput("memory:// ends with this process; name a database that stays.")
    if source.checkpoint_database == target.checkpoint_database and _one_store(source, target):
        raise BadInput(
            f"--from and --to are the same database {str(target.checkpoint_database)!r}; "
            "name two different ones."
        )


async def migrate_user(
    source: Settings, target: Settings, user: str, progress: Progress | None = None
) -> Restored:
    """Export a user's memory and import it into the other database. Twice is once."""
    # Nameless, so that nothing of it stays when the process ends.
    with TemporaryFile() as file:
        async with open_memory(source) as there:
            with acting_as(user):
                async for line in export_user(there.store, there.saver, user):
                    file.write(line.encode())
        seen = await asyncio.to_thread(survey, file, f"the export of {user}")
        async with (
            open_memory(target) as here,
            open_locks(target.checkpoint_database, target.locks) as locks,
        ):
            with acting_as(user):
                done = await restore_user(
                    here.store,
                    here.saver,
                    locks,
                    file,
                    seen,
                    user,
                    ttl_minutes=target.ttl_minutes,
                    progress=progress,
                )
            await here.store.index_pending(progress)
    return done


async def migrate_all(
    source: Settings, target: Settings, progress: Progress | None = None
) -> Migrated:
    """Copy everything of everybody, so that the other database takes the first one's place.

    Raises:
        BadInput: the other database holds memory already.
    """
    done = Migrated()
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(open_memory(source))
        same = _one_store(source, target)
        if not same:
            await asyncio.to_thread(create_data_folder, target)
            done.again = await prepare(there.store, target.item_database)
        if done.again:
            return done
        here = await stack.enter_async_context(open_memory(target, there.store if same else None))
        if not same:
            done.items = await copy_items(there.store, here.store, progress)
        if source.checkpoint_database != target.checkpoint_database:
            done.threads = await copy_threads(there.saver.saver, here.saver.saver, progress)
            await copy_lives(here.store, here.saver.saver)
        if not same:
            await here.store.index_pending(progress)
            await finish(here.store)
    return done


@asynccontextmanager
async def open_memory(
    settings: Settings, store: HybridStore | None = None
) -> AsyncIterator[Memory]:
    """Open both homes; a store that is open already is not opened twice."""
    async with AsyncExitStack() as stack:
        if store is None:
            store = await stack.enter_async_context(open_store(settings))
        saver = await stack.enter_async_context(
            open_checkpointer(settings.checkpoint_database, ttl_minutes=settings.ttl_minutes)
        )
        yield Memory(store=store, saver=saver)


def _one_store(source: Settings, target: Settings) -> bool:
    return source.item_database == target.item_database


def _all(done: Migrated, target: Settings) -> str:
    if done.again:
        return (
            f"Everything was copied on {done.again[:16].replace('T', ' ')} already; "
            "nothing was changed."
        )
    return (
        f"{counted(done.items, 'item')} and the checkpoints of "
        f"{counted(done.threads, 'thread')} were copied to {target.checkpoint_database}."
    )


def _one(done: Restored) -> str:
    said = f"{counted(done.messages, 'message')} in {counted(done.threads, 'thread')}"
    return f"{said}, {done.new:,} of them new."
