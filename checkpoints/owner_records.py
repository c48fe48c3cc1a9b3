"""Whose a thread is and when it was deleted: checkpoints without content, beside the thread's own.

A record is a thread of its own in the same saver. Its writes are put once and never changed, so
whoever writes first is the owner, on every saver and from any number of processes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6

from threadkeep.base.errors import ThreadDeleted

RECORD_PREFIX = "owner-of-"
"""What the ids of records begin with; no other thread's may."""
FIRST = "00000000-0000-6000-8000-000000000000"


@dataclass(frozen=True, kw_only=True)
class OwnerRecord:
    """What is known of a thread's owner."""

    owner: str = ""
    """Digest of the user's id; empty where nobody has written to the thread yet."""
    deleted: str = ""
    """When it was last deleted, as a checkpoint id: ids sort by time."""

    def is_of(self, user: str) -> bool:
        """Tell whether the thread belongs to the user, or to nobody yet."""
        return self.owner in ("", user_digest(user))


def refuse_late_write(deleted: str | None, run: Mapping[str, Any], new_id: str = "") -> None:
    """Refuse what belongs to a life of the thread that ended when it was deleted.

    It goes by the checkpoint that is stood on: of the graph around a subgraph, else the parent,
    else, where a thread begins, the new one itself. `deleted` is a checkpoint id; ids sort by time.

    Raises:
        ThreadDeleted: it is older than the deletion.
    """
    stands_on = (run.get("checkpoint_map") or {}).get("") or run.get("checkpoint_id") or new_id
    if deleted and str(stands_on) < deleted:
        raise ThreadDeleted(str(run["thread_id"]))


def current_checkpoint_id() -> str:
    """Return a checkpoint id of this moment."""
    return str(uuid6(clock_seq=-2))


def user_digest(user: str) -> str:
    """Return what stands for a user in records."""
    return sha256(user.encode()).hexdigest()[:32]


class OwnerRecords:
    """The records that one saver keeps."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        self._saver = saver

    async def read(self, thread: str) -> OwnerRecord:
        """Return the thread's record as it is now."""
        found = await self._saver.aget_tuple(record_config(thread))
        writes = (found.pending_writes if found else None) or []
        owners = [str(value) for _, channel, value in writes if channel == "owner"]
        deleted = [str(value) for _, channel, value in writes if channel == "deleted"]
        return OwnerRecord(owner=owners[0] if owners else "", deleted=max(deleted, default=""))

    async def claim(self, thread: str, user: str) -> OwnerRecord:
        """Make the user the owner of a thread that has none; return whose it is then."""
        checkpoint = {**empty_checkpoint(), "id": FIRST}
        await self._saver.aput(
            record_config(thread),
            checkpoint,  # type: ignore[arg-type]
            {"source": "update", "step": -1, "parents": {}},
            {},
        )
        await self._saver.aput_writes(
            record_config(thread, FIRST), [("owner", user_digest(user))], "owner"
        )
        return await self.read(thread)

    async def bury(self, thread: str) -> None:
        """Note that the thread is deleted as of now."""
        now = current_checkpoint_id()
        await self._saver.aput_writes(
            record_config(thread, FIRST), [("deleted", now)], f"deleted {now}"
        )


def record_config(thread: str, checkpoint_id: str | None = None) -> RunnableConfig:
    """Return the config that names a thread's record."""
    name = RECORD_PREFIX + sha256(thread.encode()).hexdigest()[:32]
    run = {"thread_id": name, "checkpoint_ns": ""}
    return {"configurable": run | ({"checkpoint_id": checkpoint_id} if checkpoint_id else {})}
