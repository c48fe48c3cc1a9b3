"""The owner guard: verify that a thread and its checkpoints belong to the acting user."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from threadkeep.base.errors import AccessRefused, ThreadDeleted
from threadkeep.base.user import USER_KEY, OwnedThreadId
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.owner_records import (
    RECORD_PREFIX,
    OwnerRecord,
    OwnerRecords,
    TombstoneSaver,
    refuse_late_write,
)

CACHE_SECONDS = 1.0
"""How long a cached record tells whether a thread was deleted; after a write it is read again."""
CACHE_SIZE = 4_096


class OwnerGuard:
    """Verifies owners by the records in a saver, which it caches."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        self._saver = saver
        self._records = OwnerRecords(saver)
        self._cache: dict[str, tuple[float, OwnerRecord]] = {}
        self._saver_has_tombstones = isinstance(saver, TombstoneSaver)

    async def verify(self, thread: str, user_id: str, *, fresh: bool = False) -> OwnerRecord:
        """Return the record of a thread that the user owns, or that has no owner yet.

        Raises:
            AccessRefused: the thread belongs to another user.
        """
        read_at, record = self._cache.get(thread, (0.0, OwnerRecord()))
        # An owner never changes, but the thread may have been deleted by another process.
        expired = monotonic() - read_at > CACHE_SECONDS and not self._saver_has_tombstones
        if fresh or not record.owner or expired:
            record = self._remember(thread, await self._records.read(thread))
        return _verified(record, thread, user_id)

    async def claim(self, thread: str, user_id: str) -> OwnerRecord:
        """Make the user the owner of a thread that has none.

        Raises:
            AccessRefused: another user was faster.
        """
        record = self._remember(thread, await self._records.claim(thread, user_id))
        return _verified(record, thread, user_id)

    async def verify_write(
        self, thread: str, user_id: str, configurable: Mapping[str, Any], new_id: str = ""
    ) -> None:
        """Verify that the user may write to a thread; the first write makes them the owner.

        Raises:
            AccessRefused: the thread belongs to another user.
            ThreadDeleted: the write began before the thread was deleted.
        """
        record = await self.verify(thread, user_id)
        if not record.owner:
            record = await self.claim(thread, user_id)
        refuse_late_write(record.deleted_at, configurable, new_id)

    async def undo_late_write(
        self, thread: str, configurable: Mapping[str, Any], new_id: str = ""
    ) -> None:
        """Delete what was written while the thread was deleted.

        Raises:
            ThreadDeleted: it was.
        """
        if self._saver_has_tombstones:
            return  # The saver has refused the write itself.
        record = self._remember(thread, await self._records.read(thread))
        try:
            refuse_late_write(record.deleted_at, configurable, new_id)
        except ThreadDeleted:
            await self._saver.adelete_thread(thread)
            raise

    async def mark_deleted(self, thread: str) -> None:
        """Record that the thread is deleted as of now."""
        await self._records.mark_deleted(thread)
        self.drop(thread)

    def drop(self, thread: str) -> None:
        """Drop the cached record of a thread."""
        self._cache.pop(thread, None)

    def _remember(self, thread: str, record: OwnerRecord) -> OwnerRecord:
        if len(self._cache) >= CACHE_SIZE:
            self._cache.clear()
        self._cache[thread] = (monotonic(), record)
        return record


def thread_id_of(config: RunnableConfig) -> str:
    """Return the thread id of a config.

    Raises:
        AccessRefused: there is none, or it is reserved.
        BadInput: it is invalid.
    """
    thread = (config.get("configurable") or {}).get("thread_id")
    if thread is None:
        raise AccessRefused("No thread is named; put its id into config['configurable'].")
    return validate_thread_id(thread)


def validate_thread_id(thread: object) -> str:
    """Return a thread id; it must be a string, so that 1 and "1" are never one thread.

    Raises:
        AccessRefused: the id is reserved for owner records, or not in Unicode form NFC.
        BadInput: the id is invalid.
    """
    normal = validate_id(thread, "thread id")
    if normal != thread or normal.startswith(RECORD_PREFIX):
        raise AccessRefused(f"The thread id {thread!r:.60} is reserved; use a plain UUID.")
    return normal


def verified_checkpoint(checkpoint: CheckpointTuple, thread: str, user_id: str) -> CheckpointTuple:
    """Return a checkpoint with its owner in its configs, so that they can be used again.

    Raises:
        AccessRefused: it belongs to another user, whatever the owner record says.
    """
    if checkpoint.metadata.get(USER_KEY) != user_id:
        raise _refusal(thread)
    parent = with_user(checkpoint.parent_config, user_id) if checkpoint.parent_config else None
    return checkpoint._replace(config=with_user(checkpoint.config, user_id), parent_config=parent)


def with_user(config: RunnableConfig, user_id: str) -> RunnableConfig:
    """Return the config with the user in it, also for the subgraphs of the thread."""
    thread = OwnedThreadId(config["configurable"]["thread_id"], user_id)
    own = {"thread_id": thread, USER_KEY: user_id}
    return {**config, "configurable": {**config["configurable"], **own}}


def _verified(record: OwnerRecord, thread: str, user_id: str) -> OwnerRecord:
    if not record.is_usable_by(user_id):
        raise _refusal(thread)
    return record


def _refusal(thread: str) -> AccessRefused:
    return AccessRefused(f"Thread {thread!r} belongs to another user; use one of your own.")
