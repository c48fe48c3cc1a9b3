"""Copy memory to another database: of one user, or of everybody into an empty one.

To copy everybody, the secret goes first, then every item, then the checkpoints of every thread.
Owners are derived from the secret, so they and the ids of threads stay the same. A database with
a secret and items of its own is refused. A mark records a completed migration; after it nothing
is copied again, so that later changes and erasures in the new database stay.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.database_url import Database
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.opened import Opened, open_all
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.indexing import Progress
from threadkeep.stores.items import open_items
from threadkeep.stores.namespaces import INTERNAL, SECRET, Namespace, internal_store
from threadkeep.stores.pages import count_items, list_namespaces, pages_in
from threadkeep.stores.sqlite_items import Row
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.migrate_threads import copy_thread_ttls, copy_threads
from threadkeep.transfer.restore import RestoreResult, restore_export

COMPLETED: tuple[Namespace, str] = (SECRET[0], "migrated")
"""The item that says when a migration was completed."""


@dataclass(kw_only=True)
class MigrateResult:
    """What a migration of everybody copied."""

    items: int = 0
    threads: int = 0
    completed_at: str = ""
    """When an earlier migration was completed; then nothing was copied."""


def validate_databases(source: Settings, target: Settings) -> None:
    """Refuse to migrate a database to itself, or one that ends with this process.

    Raises:
        BadInput: the two are the same, or in memory.
    """
    for settings in (source, target):
        if "memory" in (settings.checkpoint_database.kind, settings.item_database.kind):
            raise BadInput("memory:// ends with this process; name a database that stays.")
    same_checkpoints = source.checkpoint_database == target.checkpoint_database
    if same_checkpoints and source.item_database == target.item_database:
        raise BadInput(
            f"--from and --to are the same database {str(target.checkpoint_database)!r}; "
            "name two different ones."
        )


async def migrate_user(
    source: Opened, target: Opened, user_id: str, *, progress: Progress | None = None
) -> RestoreResult:
    """Export a user's memory and restore it in another database. Idempotent.

    Raises:
        ThreadBusy: a turn is open on a thread of the target for too long.
    """
    # The file has no name, so that it disappears when the process ends.
    with TemporaryFile() as file, acting_as(user_id):
        async for line in export_user(source, user_id):
            file.write(line.encode())
        summary = await asyncio.to_thread(validate_export, file, f"the export of {user_id}")
        return await restore_export(target, file, summary, user_id, progress=progress)


async def migrate_database(
    source: Opened, target: Settings, *, progress: Progress | None = None
) -> MigrateResult:
    """Copy everything of everybody, so that the target can replace the source. Idempotent.

    `target` is opened here, since it needs the secret of the source first.

    Raises:
        BadInput: the target has memory of its own.
    """
    result = MigrateResult()
    same_items = source.settings.item_database == target.item_database
    if not same_items:
        await asyncio.to_thread(create_data_folder, target)
        result.completed_at = await copy_secret(source.store, target.item_database)
        if result.completed_at:
            return result
    async with open_all(target, store=source.store if same_items else None) as opened:
        if not same_items:
            result.items = await copy_items(source.store, opened.store, progress)
        if source.settings.checkpoint_database != target.checkpoint_database:
            savers = source.inner_saver, opened.inner_saver
            result.threads = await copy_threads(*savers, progress)
            await copy_thread_ttls(opened.store, opened.inner_saver)
        if not same_items:
            await opened.store.index_pending(progress)
            await mark_completed(opened.store, opened.clock())
    return result


async def copy_secret(source: BaseStore, database: Database) -> str:
    """Give an empty database the source's secret; return when a migration completed, or "".

    Raises:
        BadInput: the database has memory of its own.
    """
    secret = await internal_store(source).aget(*SECRET)
    async with open_items(database) as (items, _):
        target_secret = await items.aget(*SECRET)
        if secret is None or target_secret is None or target_secret.value != secret.value:
            if any(namespace != SECRET[0] for namespace in await list_namespaces(items)):
                raise BadInput(
                    f"The database {str(database)!r} holds memory already, under keys of its own; "
                    "name an empty one, or take over one user at a time with --user."
                )
            if secret is not None:
                await items.aput(*SECRET, secret.value, index=False)
        mark = await items.aget(*COMPLETED)
    return str(mark.value["at"]) if mark else ""


async def copy_items(
    source: HybridStore, target: HybridStore, progress: Progress | None = None
) -> int:
    """Make the items of `target` equal to those of `source`; return the number of changes."""
    spaces = await list_namespaces(source.internal)
    namespaces = [namespace for namespace in spaces if namespace != SECRET[0]]
    total = sum([await count_items(source, namespace) for namespace in namespaces])
    completed = changes = 0
    for namespace in namespaces:
        async for page in pages_in(source, namespace):
            changes += await _copy_page(_store_of(target, namespace), namespace, page)
            completed += len(page)
            if progress:
                progress(completed, total)
    for namespace in await list_namespaces(target.internal):
        if namespace != SECRET[0]:
            stores = _store_of(source, namespace), _store_of(target, namespace)
            async for page in pages_in(target, namespace):
                changes += await _delete_missing(*stores, namespace, page)
    return changes


def _store_of(store: HybridStore, namespace: Namespace) -> BaseStore:
    return store.internal if namespace[0] == INTERNAL else store


async def mark_completed(target: BaseStore, present: datetime) -> None:
    """Record that everything is copied."""
    await internal_store(target).aput(*COMPLETED, {"at": present.isoformat()}, index=False)


async def _copy_page(target: BaseStore, namespace: Namespace, page: Sequence[Row]) -> int:
    ops = [GetOp(namespace, row.item.key, refresh_ttl=False) for row in page]
    stored = await target.abatch(ops)
    puts = [
        PutOp(
            namespace,
            row.item.key,
            row.item.value,
            index=None if row.searched else False,
            ttl=row.ttl_minutes,
        )
        for row, item in zip(page, stored, strict=True)
        if not isinstance(item, Item) or item.value != row.item.value
    ]
    if puts:
        await target.abatch(puts)
    return len(puts)


async def _delete_missing(
    source: BaseStore, target: BaseStore, namespace: Namespace, page: Sequence[Row]
) -> int:
    """Delete items that an interrupted migration copied and the source deleted since."""
    ops = [GetOp(namespace, row.item.key, refresh_ttl=False) for row in page]
    results = await source.abatch(ops)
    missing = [row.item.key for row, item in zip(page, results, strict=True) if item is None]
    if missing:
        await target.abatch([PutOp(namespace, key, None) for key in missing])
    return len(missing)
