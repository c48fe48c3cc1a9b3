"""Restore an export, into an empty memory or into one that has items already.

Restoring twice changes nothing more; an interrupted restore is completed by repeating it.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import acting_user
from threadkeep.base.validation import validate_id
from threadkeep.knowledge.identity_changes import delete_unfounded
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.opened import Opened
from threadkeep.stores.indexing import Progress
from threadkeep.stores.namespaces import user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.transfer.export_reader import ExportSummary, read_records
from threadkeep.transfer.export_records import Record
from threadkeep.transfer.forgotten_records import ForgottenRecords
from threadkeep.transfer.record_writer import RecordWriter
from threadkeep.transfer.state_writer import StateWriter
from threadkeep.transfer.thread_mapping import ThreadMapper

BATCH = 200


@dataclass(kw_only=True)
class RestoreResult:
    """What a restore did."""

    user: str
    messages: int
    """In the file."""
    threads: int
    new: int = 0
    """Messages that were not stored before."""
    changed: int = 0
    """Stored items, without the entities and facts that are derived from them."""
    forgotten: int = 0
    """Messages that were left out because they were forgotten before."""
    renamed: dict[str, str] = field(default_factory=dict)
    """New names by old ones, of threads whose name another thread has."""


async def restore_export(
    opened: Opened,
    file: IO[bytes],
    summary: ExportSummary,
    user_id: str,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> RestoreResult:
    """Restore an export that `validate_export` has accepted; `progress` gets (done, total).

    What was forgotten before stays out, unless `again` is set.
    Vectors are made in the background; `opened.store.index_pending()` waits for them.

    Raises:
        AccessRefused: the acting user (see `threadkeep/base/user.py`) is another one, or missing.
        ThreadBusy: a turn is open on a thread for too long.
    """
    user = validate_id(user_id, "user")
    if acting_user() != user:
        raise AccessRefused(f"Into the memory of {user!r} nobody else imports; take your own.")
    result = RestoreResult(user=user, messages=summary.messages, threads=len(summary.threads))
    writer = await _open_writer(opened, summary, user, result, again=again)
    completed, records = 0, read_records(file)
    with opened.store.dependencies.in_use():
        while batch := await asyncio.to_thread(_next_batch, records):
            await writer.write(batch)
            completed += len(batch)
            if progress:
                progress(completed, summary.records)
        if writer.forgotten.threads:
            await delete_unfounded(writer.store, writer.owner)
        await rebuild_knowledge(writer.store, writer.owner)
    result.new, result.changed = writer.new_messages, writer.changed_items
    result.forgotten = writer.forgotten.count
    return result


async def _open_writer(
    opened: Opened, summary: ExportSummary, user: str, result: RestoreResult, *, again: bool
) -> RecordWriter:
    # The guard refuses records that name another user's namespace.
    store, owner = OwnedStore(opened.store), await user_key(opened.store, user)
    mapper = ThreadMapper(store, opened.saver, user, owner)
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    for thread in summary.threads.values():
        ids[thread.id], name = await mapper.map(thread)
        names[ids[thread.id]] = name
        if name != thread.name:
            result.renamed[thread.name] = name
    return RecordWriter(
        store=store,
        owner=owner,
        states=StateWriter(opened, user),
        thread_ids=ids,
        thread_names=names,
        ttl_minutes=opened.settings.ttl_minutes,
        forgotten=await ForgottenRecords.open(opened.store, owner, again=again),
    )


def _next_batch(records: Iterator[Record]) -> list[Record]:
    return list(islice(records, BATCH))
