"""`threadkeep migrate`: copy memory to another database, of one user or of everybody."""

from contextlib import AsyncExitStack

from threadkeep.base.clock import local_minute
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import count_of, print_lines, print_notice
from threadkeep.cli.progress import open_progress
from threadkeep.memory import Memory, open_memory
from threadkeep.opened import open_all
from threadkeep.stores.indexing import Progress
from threadkeep.transfer.migrate import (
    MigrateResult,
    migrate_database,
    migrate_user,
    validate_databases,
)
from threadkeep.transfer.restore import RestoreResult


def run_migrate(source: Settings, target: Settings, user: str | None) -> None:
    """Migrate with a progress bar, and print the result.

    Raises:
        BadInput: the databases are the same, or end with this process.
    """
    validate_databases(source, target)
    try:
        with open_progress("Migrating") as progress:
            if user is None:
                result = with_memory(
                    source,
                    lambda memory: migrate_database(memory.opened, target, progress=progress),
                )
                summary = _describe_all(result, target)
            else:
                one = with_memory(
                    source, lambda memory: migrate_one(memory, target, user, progress)
                )
                summary = _describe_one(one)
    except KeyboardInterrupt:
        print_notice("What was copied until now stays; run it again for the rest.")
        raise
    print_lines([summary])


async def migrate_one(
    source: Memory, target: Settings, user: str, progress: Progress | None = None
) -> RestoreResult:
    """Open the target, and copy the memory of one user to it."""
    async with AsyncExitStack() as stack:
        if source.settings.item_database == target.item_database:
            # A process opens a store only once.
            shared = open_all(target, store=source.opened.store)
            opened = await stack.enter_async_context(shared)
        else:
            opened = (await stack.enter_async_context(open_memory(target))).opened
        result = await migrate_user(source.opened, opened, user, progress=progress)
        await opened.store.index_pending(progress)
    return result


def _describe_all(result: MigrateResult, target: Settings) -> str:
    if result.completed_at:
        return (
            f"Everything was copied on {local_minute(result.completed_at)} already; "
            "nothing was changed."
        )
    return (
        f"{count_of(result.items, 'item')} and the checkpoints of "
        f"{count_of(result.threads, 'thread')} were copied to {target.checkpoint_database}."
    )


def _describe_one(result: RestoreResult) -> str:
    summary = f"{count_of(result.messages, 'message')} in {count_of(result.threads, 'thread')}"
    return f"{summary}, {result.new:,} of them new."
