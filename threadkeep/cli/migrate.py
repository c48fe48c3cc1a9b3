"""`threadkeep migrate`: memory from one database to another, of one user or of all."""

import asyncio
import sys
from contextlib import AsyncExitStack
from tempfile import TemporaryFile

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings, create_data_folder
from threadkeep.cli.failures import complain
from threadkeep.cli.import_file import counted, open_bar
from threadkeep.memory import open_memory
from threadkeep.opened import open_all
from threadkeep.process import run
from threadkeep.transfer.migrate import (
    Migrated,
    Progress,
    copy_items,
    copy_lives,
    copy_threads,
    finish,
    prepare,
)
from threadkeep.transfer.restore import Restored

MORE = "What was copied until now stays; run it again for the rest."


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
        async with open_memory(source) as memory:
            async for line in memory.export(user_id=user):
                file.write(line.encode())
        async with open_memory(target) as memory:
            return await memory.restore(
                file, name=f"the export of {user}", progress=progress, user_id=user
            )


async def migrate_all(
    source: Settings, target: Settings, progress: Progress | None = None
) -> Migrated:
    """Copy everything of everybody, so that the other database takes the first one's place.

    Raises:
        BadInput: the other database holds memory already.
    """
    done = Migrated()
    async with AsyncExitStack() as stack:
        old = (await stack.enter_async_context(open_memory(source))).opened
        same = _one_store(source, target)
        if not same:
            await asyncio.to_thread(create_data_folder, target)
            done.again = await prepare(old.store, target.item_database)
        if done.again:
            return done
        shared = old.store if same else None
        new = await stack.enter_async_context(open_all(target, store=shared))
        if not same:
            done.items = await copy_items(old.store, new.store, progress)
        if source.checkpoint_database != target.checkpoint_database:
            done.threads = await copy_threads(old.inner_saver, new.inner_saver, progress)
            await copy_lives(new.store, new.inner_saver)
        if not same:
            await new.store.index_pending(progress)
            await finish(new.store)
    return done


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
