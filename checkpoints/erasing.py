"""What forgetting asks of a saver: whose threads there are, what they hold, that none is left."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owned import TombstoneSaver
from threadkeep.checkpoints.owner_records import RECORD_PREFIX, OwnerRecords, current_checkpoint_id

Saver = BaseCheckpointSaver[Any]


@runtime_checkable
class RawReader(Protocol):
    """A saver that reads what it keeps without making checkpoints of it."""

    async def athreads_of_user(self, user: str) -> list[str]:
        """Return the ids of the threads in which this user's checkpoints are."""

    async def acount(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return how many checkpoints and pending writes threads have."""

    def araw_values_except(self, but: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield all that is kept, but for these threads."""

    def araw_values_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield all that is kept of one thread."""


@runtime_checkable
class Scrubbable(Protocol):
    """A saver that can leave no byte of what was deleted."""

    async def ascrub(self) -> bool:
        """Write its file anew; tell whether the log beside it is empty."""

    async def atruncate_log(self) -> bool:
        """Empty the log beside its file; tell whether that went."""


async def threads_of_user(saver: Saver, user: str) -> list[str]:
    """Return the ids of the threads in which a user's checkpoints are."""
    if isinstance(saver, RawReader):
        return await saver.athreads_of_user(user)
    found = {
        _thread(each)
        async for each in saver.alist(None, filter={USER_KEY: user})
        if not _thread(each).startswith(RECORD_PREFIX)
    }
    return sorted(found)


async def count_checkpoints(saver: Saver, threads: Sequence[str]) -> tuple[int, int]:
    """Return how many checkpoints and pending writes threads have."""
    if isinstance(saver, RawReader):
        return await saver.acount(threads)
    checkpoints = writes = 0
    for thread in threads:
        async for each in saver.alist(_config(thread)):
            checkpoints += 1
            writes += len(each.pending_writes or ())
    return checkpoints, writes


async def raw_values_except(saver: Saver, threads: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield all that is kept, but for these threads."""
    if isinstance(saver, RawReader):
        async for text in saver.araw_values_except(threads):
            yield text
        return
    async for each in saver.alist(None):
        if _thread(each) not in threads:
            yield _bytes(saver, each)


async def raw_values_of(saver: Saver, thread: str) -> AsyncIterator[bytes]:
    """Yield all that is kept of one thread."""
    if isinstance(saver, RawReader):
        async for text in saver.araw_values_of(thread):
            yield text
        return
    async for each in saver.alist(_config(thread)):
        yield _bytes(saver, each)


async def delete_with_tombstone(saver: Saver, thread: str) -> None:
    """Delete a thread of whomever; what is still on its way to it is refused."""
    if isinstance(saver, TombstoneSaver):
        await saver.adelete_with_tombstone(thread, current_checkpoint_id())
        return
    await OwnerRecords(saver).bury(thread)
    await saver.adelete_thread(thread)


def _bytes(saver: Saver, found: CheckpointTuple) -> bytes:
    kept = [found.checkpoint, found.metadata, found.pending_writes or []]
    return b"\0".join(saver.serde.dumps_typed(each)[1] for each in kept)


def _thread(found: CheckpointTuple) -> str:
    return str(found.config["configurable"]["thread_id"])


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}
