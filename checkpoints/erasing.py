"""What erasure needs from a saver: a user's threads, raw stored values, deletion and scrubbing."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owner_records import (
    RECORD_PREFIX,
    OwnerRecords,
    TombstoneSaver,
    current_checkpoint_id,
)

Saver = BaseCheckpointSaver[Any]


@runtime_checkable
class RawReader(Protocol):
    """A saver that reads stored values without deserialising them."""

    async def athreads_of_user(self, user_id: str) -> list[str]:
        """Return the ids of the user's threads."""

    async def acount(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return the number of checkpoints and of pending writes in threads."""

    def araw_values_except(self, threads: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield the stored values of all threads except these."""

    def araw_values_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield the stored values of one thread."""


@runtime_checkable
class Scrubbable(Protocol):
    """A saver that can remove every byte of deleted rows."""

    async def ascrub(self) -> bool:
        """Rewrite the database file; return whether its write-ahead log is empty."""

    async def atruncate_log(self) -> bool:
        """Truncate the write-ahead log; return whether that succeeded."""


async def threads_of_user(saver: Saver, user_id: str) -> list[str]:
    """Return the ids of the user's threads."""
    if isinstance(saver, RawReader):
        return await saver.athreads_of_user(user_id)
    checkpoints = saver.alist(None, filter={USER_KEY: user_id})
    threads = {_thread_of(checkpoint) async for checkpoint in checkpoints}
    return sorted(thread for thread in threads if not thread.startswith(RECORD_PREFIX))


async def count_checkpoints(saver: Saver, threads: Sequence[str]) -> tuple[int, int]:
    """Return the number of checkpoints and of pending writes in threads."""
    if isinstance(saver, RawReader):
        return await saver.acount(threads)
    checkpoints = writes = 0
    for thread in threads:
        async for checkpoint in saver.alist(_config(thread)):
            checkpoints += 1
            writes += len(checkpoint.pending_writes or ())
    return checkpoints, writes


async def raw_values_except(saver: Saver, threads: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield the stored values of all threads except these."""
    if isinstance(saver, RawReader):
        async for value in saver.araw_values_except(threads):
            yield value
        return
    async for checkpoint in saver.alist(None):
        if _thread_of(checkpoint) not in threads:
            yield _serialised(saver, checkpoint)


async def raw_values_of(saver: Saver, thread: str) -> AsyncIterator[bytes]:
    """Yield the stored values of one thread."""
    if isinstance(saver, RawReader):
        async for value in saver.araw_values_of(thread):
            yield value
        return
    async for checkpoint in saver.alist(_config(thread)):
        yield _serialised(saver, checkpoint)


async def delete_with_tombstone(saver: Saver, thread: str) -> None:
    """Delete a thread of any user; late writes to it are refused."""
    if isinstance(saver, TombstoneSaver):
        await saver.adelete_with_tombstone(thread, current_checkpoint_id())
        return
    await OwnerRecords(saver).mark_deleted(thread)
    await saver.adelete_thread(thread)


def _serialised(saver: Saver, checkpoint: CheckpointTuple) -> bytes:
    parts = [checkpoint.checkpoint, checkpoint.metadata, checkpoint.pending_writes or []]
    return b"\0".join(saver.serde.dumps_typed(part)[1] for part in parts)


def _thread_of(checkpoint: CheckpointTuple) -> str:
    return str(checkpoint.config["configurable"]["thread_id"])


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}
