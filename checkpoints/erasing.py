"""What forgetting asks of a saver: whose threads there are, what they hold, that none is left."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owned import Burying
from threadkeep.checkpoints.owner_records import RECORD, Records, now_id

Saver = BaseCheckpointSaver[Any]


@runtime_checkable
class Reading(Protocol):
    """A saver that reads what it keeps without making checkpoints of it."""

    async def athreads_of(self, user: str) -> list[str]:
        """Return the ids of the threads in which this user's checkpoints are."""

    async def asize(self, threads: Sequence[str]) -> tuple[int, int]:
        """Return how many checkpoints and pending writes threads have."""

    def atexts(self, but: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield all that is kept, but for these threads."""

    def atexts_of(self, thread: str) -> AsyncIterator[bytes]:
        """Yield all that is kept of one thread."""


@runtime_checkable
class Scrubbing(Protocol):
    """A saver that can leave no byte of what was deleted."""

    async def ascrub(self) -> bool:
        """Write its file anew; tell whether the log beside it is empty."""

    async def aempty_log(self) -> bool:
        """Empty the log beside its file; tell whether that went."""


async def threads_of(saver: Saver, user: str) -> list[str]:
    """Return the ids of the threads in which a user's checkpoints are."""
    if isinstance(saver, Reading):
        return await saver.athreads_of(user)
    found = {
        _thread(each)
        async for each in saver.alist(None, filter={USER_KEY: user})
        if not _thread(each).startswith(RECORD)
    }
    return sorted(found)


async def size_of(saver: Saver, threads: Sequence[str]) -> tuple[int, int]:
    """Return how many checkpoints and pending writes threads have."""
    if isinstance(saver, Reading):
        return await saver.asize(threads)
    checkpoints = writes = 0
    for thread in threads:
        async for each in saver.alist(_config(thread)):
            checkpoints += 1
            writes += len(each.pending_writes or ())
    return checkpoints, writes


async def texts_beside(saver: Saver, threads: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield all that is kept, but for these threads."""
    if isinstance(saver, Reading):
        async for text in saver.atexts(threads):
            yield text
        return
    async for each in saver.alist(None):
        if _thread(each) not in threads:
            yield _bytes(saver, each)


async def texts_of(saver: Saver, thread: str) -> AsyncIterator[bytes]:
    """Yield all that is kept of one thread."""
    if isinstance(saver, Reading):
        async for text in saver.atexts_of(thread):
            yield text
        return
    async for each in saver.alist(_config(thread)):
        yield _bytes(saver, each)


async def bury(saver: Saver, thread: str) -> None:
    """Delete a thread of whomever; what is still on its way to it is refused."""
    if isinstance(saver, Burying):
        await saver.abury(thread, now_id())
        return
    await Records(saver).bury(thread)
    await saver.adelete_thread(thread)


def _bytes(saver: Saver, found: CheckpointTuple) -> bytes:
    kept = [found.checkpoint, found.metadata, found.pending_writes or []]
    return b"\0".join(saver.serde.dumps_typed(each)[1] for each in kept)


def _thread(found: CheckpointTuple) -> str:
    return str(found.config["configurable"]["thread_id"])


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}
