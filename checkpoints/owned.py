"""A saver that gives a thread only to its owner, around any saver.

A thread belongs to the user who first wrote to it. The user is named by the run's config (see
base/user.py); calls without a config act as the user of `acting_as(user_id)`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from copy import copy
from typing import Any

from langchain_core.runnables import ConfigurableFieldSpec, RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from threadkeep.base.errors import AccessRefused, ThreadDeleted
from threadkeep.base.user import USER_KEY, acting_user
from threadkeep.checkpoints.blobs import Blobs, CheckpointBlobs
from threadkeep.checkpoints.owner_guard import (
    OwnerGuard,
    thread_id_of,
    validate_thread_id,
    verified_checkpoint,
    with_user,
)
from threadkeep.checkpoints.owner_records import TombstoneSaver, current_checkpoint_id
from threadkeep.checkpoints.sync_methods import SyncMethods

Follow = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], Awaitable[None]]
"""Called after a state was changed outside a run: user id, thread id, values before and after.

The long-term store follows the change, see `threadkeep/knowledge/branch_sync.py`.
"""
EXTERNAL_SOURCES = ("update", "fork")
"""Sources of checkpoints that no turn made."""


class OwnedSaver(SyncMethods):
    """A saver whose threads are accessible to their owners only; late writes are refused."""

    def __init__(
        self,
        saver: BaseCheckpointSaver[Any],
        follow: Follow | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        super().__init__(serde=saver.serde)
        self.blobs = blobs
        self._data = CheckpointBlobs(blobs) if blobs else None
        self.saver = saver
        self.follow = follow
        self.guard = OwnerGuard(saver)
        self._loop = asyncio.get_running_loop()

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """Fields that the inner saver reads from a config."""
        return list(self.saver.config_specs)

    def get_next_version(self, current: Any, channel: None) -> Any:
        """Return the version after `current`, as the inner saver counts."""
        return self.saver.get_next_version(current, channel)

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> "OwnedSaver":
        """Return a copy whose inner saver also deserialises these types."""
        clone = copy(self)
        clone.saver = self.saver.with_allowlist(extra_allowlist)
        clone.serde = clone.saver.serde
        return clone

    async def aclaim(self, thread_id: str) -> None:
        """Make the acting user the owner of a thread before its first write.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
        """
        user, thread = acting_user(), validate_thread_id(thread_id)
        if not (await self.guard.verify(thread, user)).owner:
            await self.guard.claim(thread, user)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint of the user's thread.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
        """
        user, thread = acting_user(config), thread_id_of(config)
        await self.guard.verify(thread, user)
        checkpoint = await self.saver.aget_tuple(config)
        return await self._resolved(checkpoint, thread, user) if checkpoint else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints of one thread of the user, newest first.

        Raises:
            AccessRefused: no thread is named, it belongs to another user, or no user acts.
        """
        if config is None:
            raise AccessRefused("Listing the checkpoints of all users is refused; name a thread.")
        user, thread = acting_user(config), thread_id_of(config)
        await self.guard.verify(thread, user)
        checkpoints = self.saver.alist(config, filter=filter, before=before, limit=limit)
        async for checkpoint in checkpoints:
            yield await self._resolved(checkpoint, thread, user)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint in the user's thread; the first one makes the user its owner.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
            ThreadDeleted: the write began before the thread was deleted.
        """
        user, thread = acting_user(config), thread_id_of(config)
        configurable = config["configurable"]
        await self.guard.verify_write(thread, user, configurable, checkpoint["id"])
        # The guard sets the user, whatever the caller's metadata says.
        owned_metadata: Any = {**metadata, USER_KEY: user}
        values = checkpoint["channel_values"]
        if self._data:
            checkpoint = await self._data.checkpoint(user, thread, checkpoint)
        saved = await self.saver.aput(config, checkpoint, owned_metadata, new_versions)
        await self.guard.undo_late_write(thread, configurable, checkpoint["id"])
        external = metadata.get("source") in EXTERNAL_SOURCES
        if self.follow and external and not configurable.get("checkpoint_ns"):
            before = await self._values(config) if metadata["source"] == "update" else {}
            await self.follow(user, thread, before, values)
        return with_user(saved, user)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a task in the user's thread.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
            ThreadDeleted: the write began before the thread was deleted.
        """
        user, thread = acting_user(config), thread_id_of(config)
        await self.guard.verify_write(thread, user, config["configurable"])
        if self._data:
            writes = await self._data.value(user, thread, list(writes))
        await self.saver.aput_writes(config, writes, task_id, task_path)
        await self.guard.undo_late_write(thread, config["configurable"])

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete a thread of the acting user; late writes to it are refused.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
        """
        user, thread = acting_user(), validate_thread_id(thread_id)
        if not (await self.guard.verify(thread, user)).owner:
            return
        if isinstance(self.saver, TombstoneSaver):
            await self.saver.adelete_with_tombstone(thread, current_checkpoint_id())
        else:
            # Mark it first: a concurrent writer then sees the mark, and undoes its write.
            await self.guard.mark_deleted(thread)
            await self.saver.adelete_thread(thread)
        if self.blobs:
            await self.blobs.release(user, thread)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of these runs of the acting user.

        Raises:
            AccessRefused: a run belongs to another user, or no user acts.
        """
        user = acting_user()
        for run_id in run_ids:
            async for checkpoint in self.saver.alist(None, filter={"run_id": run_id}):
                verified_checkpoint(
                    checkpoint, str(checkpoint.config["configurable"]["thread_id"]), user
                )
        await self.saver.adelete_for_runs(run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread of the acting user to another of theirs, or to a new one.

        Raises:
            AccessRefused: a thread belongs to another user, or no user acts.
            ThreadDeleted: the target was deleted.
        """
        user = acting_user()
        source = validate_thread_id(source_thread_id)
        target = validate_thread_id(target_thread_id)
        await self.guard.verify(source, user)
        record = await self.guard.verify(target, user, fresh=True)
        if record.deleted_at:
            raise ThreadDeleted(target)
        if not record.owner:
            await self.guard.claim(target, user)
        if self.blobs:
            await self.blobs.copy_uses(user, source, target)
        await self.saver.acopy_thread(source, target)
        if (await self.guard.verify(target, user, fresh=True)).deleted_at:
            await self.saver.adelete_thread(target)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Prune threads of the acting user; the strategy "delete" deletes them.

        Raises:
            AccessRefused: a thread belongs to another user, or no user acts; none is pruned then.
        """
        user, threads = acting_user(), [validate_thread_id(thread) for thread in thread_ids]
        for thread in threads:
            await self.guard.verify(thread, user)
        if strategy == "delete":
            for thread in threads:
                await self.adelete_thread(thread)
        else:
            await self.saver.aprune(threads, strategy=strategy)

    async def aprune_turns(self, thread_id: str, keep: int, whole: int | None = None) -> None:
        """Delete all but the newest `keep` turns of a thread of the acting user.

        With `whole`, only that many of them stay whole: of the others the state after the turn
        stays, from which a fork begins.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
            AttributeError: the inner saver is not one of `threadkeep.checkpoints.savers`.
        """
        thread = validate_thread_id(thread_id)
        await self.guard.verify(thread, acting_user())
        await self.saver.aprune_turns(thread, keep, whole)  # type: ignore[attr-defined]

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set the time to live of a thread of the acting user, counted from its last use.

        Raises:
            AccessRefused: the thread belongs to another user, or no user acts.
            AttributeError: the inner saver is not one of `threadkeep.checkpoints.savers`.
        """
        thread = validate_thread_id(thread_id)
        await self.guard.verify(thread, acting_user())
        await self.saver.aset_ttl(thread, minutes)  # type: ignore[attr-defined]

    async def asweep(self) -> int:
        """Delete the expired threads of all users; return their number."""
        return int(await self.saver.asweep())  # type: ignore[attr-defined]

    async def _resolved(
        self, checkpoint: CheckpointTuple, thread: str, user: str
    ) -> CheckpointTuple:
        """Return the user's checkpoint with the data of its pictures and files.

        Raises:
            AccessRefused: it is another user's.
        """
        verified = verified_checkpoint(checkpoint, thread, user)
        return await self._data.resolved(user, thread, verified) if self._data else verified

    async def _values(self, config: RunnableConfig) -> Mapping[str, Any]:
        """Return the values of the config's checkpoint; empty if it names no checkpoint."""
        if not config["configurable"].get("checkpoint_id"):
            return {}
        checkpoint = await self.saver.aget_tuple(config)
        return checkpoint.checkpoint["channel_values"] if checkpoint else {}
