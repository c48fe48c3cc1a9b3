"""Import conversations of other programs. Importing twice changes nothing more."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from threadkeep.base.clock import now, use_clock
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.opened import Opened
from threadkeep.stores.indexing import Progress
from threadkeep.stores.namespaces import user_key
from threadkeep.transfer.import_messages import group_by_user, prepare_batches, store_batch
from threadkeep.transfer.importers.transcript import Transcript

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did."""

    messages: int
    """Valid messages in the file."""
    new: int
    """Messages that were not stored before."""
    users: int
    threads: int
    skipped: int
    """Malformed lines that were left out."""
    faults: tuple[str, ...]
    """The first malformed lines, each with its place."""
    notes: tuple[str, ...] = ()
    """What was left out on purpose, and why."""


async def import_conversations(
    opened: Opened, transcript: Transcript, *, progress: Progress | None = None
) -> ImportResult:
    """Store the messages of a transcript and what they teach; `progress` gets (done, total).

    Cancelled, it keeps the batches that are stored; importing again stores the rest. Vectors are
    made in the background; `opened.store.index_pending()` waits for them.
    """
    store, messages = opened.store, transcript.messages
    completed = new = 0
    with use_clock(opened.clock, opened.settings.time_zone):
        for user_messages in group_by_user(messages):
            owner = await user_key(store, user_messages[0].user)
            for batch in await asyncio.to_thread(prepare_batches, user_messages, owner, now()):
                new += await _uninterrupted(store_batch(store, owner, batch))
                completed += len(batch)
                if progress:
                    progress(completed, len(messages))
            await rebuild_knowledge(store, owner)
    return ImportResult(
        messages=len(messages),
        new=new,
        users=len({message.user for message in messages}),
        threads=len({(message.user, message.thread) for message in messages}),
        skipped=transcript.malformed,
        faults=tuple(transcript.faults),
        notes=tuple(transcript.notes),
    )


async def _uninterrupted(work: Awaitable[T]) -> T:
    """Await `work`; when cancelled, complete it first, so that no batch is stored in part."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
