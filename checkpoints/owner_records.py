"""Owner records: who owns a thread, and when it was deleted.

The record of a thread is a thread of its own in the same saver, without content. Its writes are
inserted once and never changed, so the first writer is the owner, on every saver and in any number
of processes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6

from threadkeep.base.errors import ThreadDeleted

RECORD_PREFIX = "owner-of-"
"""Prefix of the ids of records; refused for all other threads."""
RECORD_CHECKPOINT_ID = "00000000-0000-6000-8000-000000000000"


@runtime_checkable
class TombstoneSaver(Protocol):
    """A saver that itself refuses late writes, as those of checkpoints/savers.py do."""

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread; later refuse writes that began before the checkpoint id `at`."""


@dataclass(frozen=True, kw_only=True)
class OwnerRecord:
    """The owner of a thread, and its last deletion."""

    owner: str = ""
    """Digest of the user id; empty if the thread has no owner yet."""
    deleted_at: str = ""
    """Checkpoint id of the moment of the last deletion; ids sort by time."""

    def is_usable_by(self, user_id: str) -> bool:
        """Return whether the user owns the thread, or it has no owner yet."""
        return self.owner in ("", user_digest(user_id))


class OwnerRecords:
    """The owner records in a saver."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        self._saver = saver

    async def read(self, thread: str) -> OwnerRecord:
        """Return the current record of a thread."""
        checkpoint = await self._saver.aget_tuple(record_config(thread))
        writes = (checkpoint.pending_writes if checkpoint else None) or []
        owners = [str(value) for _, channel, value in writes if channel == "owner"]
        deletions = [str(value) for _, channel, value in writes if channel == "deleted"]
        return OwnerRecord(owner=owners[0] if owners else "", deleted_at=max(deletions, default=""))

    async def claim(self, thread: str, user_id: str) -> OwnerRecord:
        """Make the user the owner of an unowned thread; return the record, also if another won."""
        checkpoint = {**empty_checkpoint(), "id": RECORD_CHECKPOINT_ID}
        await self._saver.aput(
            record_config(thread),
            checkpoint,  # type: ignore[arg-type]
            {"source": "update", "step": -1, "parents": {}},
            {},
        )
        config = record_config(thread, RECORD_CHECKPOINT_ID)
        await self._saver.aput_writes(config, [("owner", user_digest(user_id))], "owner")
        return await self.read(thread)

    async def mark_deleted(self, thread: str) -> None:
        """Record that the thread is deleted as of now."""
        now = current_checkpoint_id()
        config = record_config(thread, RECORD_CHECKPOINT_ID)
        await self._saver.aput_writes(config, [("deleted", now)], f"deleted {now}")


def refuse_late_write(
    deleted_at: str | None, configurable: Mapping[str, Any], new_id: str = ""
) -> None:
    """Refuse a write that began before the thread was deleted.

    A write is as old as the checkpoint it builds on: that of the outer graph in a subgraph, else
    the parent, else (the first one of a thread) the new checkpoint itself.

    Raises:
        ThreadDeleted: the checkpoint is older than the deletion.
    """
    outer = (configurable.get("checkpoint_map") or {}).get("")
    base_id = outer or configurable.get("checkpoint_id") or new_id
    if deleted_at and str(base_id) < deleted_at:
        raise ThreadDeleted(str(configurable["thread_id"]))


def current_checkpoint_id() -> str:
    """Return a checkpoint id of this moment."""
    return str(uuid6(clock_seq=-2))


def user_digest(user_id: str) -> str:
    """Return the digest that stands for a user in owner records."""
    return sha256(user_id.encode()).hexdigest()[:32]


def record_config(thread: str, checkpoint_id: str | None = None) -> RunnableConfig:
    """Return the config of a thread's owner record."""
    record_id = RECORD_PREFIX + sha256(thread.encode()).hexdigest()[:32]
    configurable = {"thread_id": record_id, "checkpoint_ns": ""}
    if checkpoint_id:
        configurable["checkpoint_id"] = checkpoint_id
    return {"configurable": configurable}
