"""The saver in memory, for tests: LangGraph's own, made complete and strict."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.memory import InMemorySaver

from threadkeep.base.errors import ThreadDeleted
from threadkeep.checkpoints.owner_records import refuse_late_write
from threadkeep.checkpoints.pruning import Pruning, Step, cut_of_turns, thin_turns
from threadkeep.checkpoints.serializer import StateSerializer

FOREVER_MINUTES = 1e9


class MemorySaver(Pruning, InMemorySaver):
    """`InMemorySaver` with deletion by run, copy, pruning, expiry and tombstones."""

    def __init__(self, ttl_minutes: float | None = None) -> None:
        super().__init__(serde=StateSerializer())
        self.ttl_minutes = ttl_minutes
        self._lifetimes: dict[str, tuple[float, float]] = {}
        self._tombstones: dict[str, str] = {}

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; an expired thread is deleted instead."""
        self._extend_lifetime(str(config["configurable"]["thread_id"]))
        return self.get_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first, without expired threads."""
        await self.asweep()
        for checkpoint in self.list(config, filter=filter, before=before, limit=limit):
            yield checkpoint

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint."""
        thread = str(config["configurable"]["thread_id"])
        refuse_late_write(self._tombstones.get(thread), config["configurable"], checkpoint["id"])
        self._extend_lifetime(thread)
        if self.ttl_minutes is not None and thread not in self._lifetimes:
            await self.aset_ttl(thread, self.ttl_minutes)
        return self.put(config, checkpoint, metadata, new_versions)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        self._lifetimes.pop(thread_id, None)
        self.delete_thread(thread_id)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a task."""
        configurable = config["configurable"]
        refuse_late_write(self._tombstones.get(str(configurable["thread_id"])), configurable)
        self.put_writes(config, writes, task_id, task_path)

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread; later refuse writes that began before the checkpoint id `at`."""
        self._tombstones[thread_id] = at
        await self.adelete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        for checkpoint in list(self.list(None)):
            if checkpoint.metadata.get("run_id") in run_ids:
                self._drop(checkpoint.config["configurable"])

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        if target_thread_id in self._tombstones:
            raise ThreadDeleted(target_thread_id)
        for namespace, checkpoints in list(self.storage.get(source_thread_id, {}).items()):
            self.storage[target_thread_id][namespace].update(checkpoints)
        for (thread, *path), writes in list(self.writes.items()):
            if thread == source_thread_id:
                self.writes[(target_thread_id, *path)] = dict(writes)  # type: ignore[index]
        for (thread, *channel), blob in list(self.blobs.items()):
            if thread == source_thread_id:
                self.blobs[(target_thread_id, *channel)] = blob  # type: ignore[index]

    async def aprune_turns(self, thread_id: str, keep: int, whole: int | None = None) -> None:
        """Delete all but the newest `keep` turns; of them, but `whole`, only the end stays."""
        if cut := cut_of_turns(self._steps(thread_id), keep):
            for namespace, checkpoints in list(self.storage[thread_id].items()):
                newest = max(checkpoints, default="")
                self._drop_older(thread_id, namespace, cut.cutoff(namespace, newest))
        if whole is None:
            return
        thinning, rows = thin_turns(self._steps(thread_id), whole), self.storage[thread_id][""]
        for checkpoint_id in thinning.removed:
            self._drop(
                {"thread_id": thread_id, "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
            )
        for checkpoint_id, parent in thinning.parents.items():
            rows[checkpoint_id] = (*rows[checkpoint_id][:2], parent)
        self._drop_blobs(thread_id, "")

    def _steps(self, thread: str) -> list[Step]:
        steps = []
        for checkpoint_id, (_, metadata, parent) in self.storage[thread][""].items():
            plain = self.serde.loads_typed(metadata)
            steps.append(Step(checkpoint_id, parent, plain.get("source"), plain.get("step")))
        return steps

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread expires; None means never."""
        lifetime = FOREVER_MINUTES if minutes is None else minutes
        self._lifetimes[thread_id] = (lifetime, time.time() + lifetime * 60)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of all users, owner records included."""
        return [str(thread) for thread, namespaces in self.storage.items() if namespaces]

    async def asweep(self) -> int:
        """Delete the expired threads; return their number."""
        now = time.time()
        expired = [thread for thread, (_, end) in self._lifetimes.items() if end <= now]
        for thread in expired:
            await self.adelete_thread(thread)
        return len(expired)

    async def _keep_latest(self, thread: str) -> None:
        for namespace, checkpoints in self.storage.get(thread, {}).items():
            self._drop_older(thread, namespace, max(checkpoints, default=""))

    def _extend_lifetime(self, thread: str) -> None:
        """Extend the lifetime of a used thread; delete it if it expired."""
        minutes, expires_at = self._lifetimes.get(thread, (0.0, 0.0))
        if expires_at and expires_at <= time.time():
            self._lifetimes.pop(thread)
            self.delete_thread(thread)
        elif expires_at:
            self._lifetimes[thread] = (minutes, time.time() + minutes * 60)

    def _drop_older(self, thread: str, namespace: str, oldest: str) -> None:
        for checkpoint_id in [key for key in self.storage[thread][namespace] if key < oldest]:
            self._drop(
                {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
            )
        self._drop_blobs(thread, namespace)

    def _drop_blobs(self, thread: str, namespace: str) -> None:
        """Delete the values that no checkpoint of a namespace references any more."""
        referenced = {
            (channel, version)
            for saved, _, _ in self.storage[thread][namespace].values()
            for channel, version in self.serde.loads_typed(saved)["channel_versions"].items()
        }
        for key in list(self.blobs):
            if key[:2] == (thread, namespace) and key[2:] not in referenced:
                del self.blobs[key]

    def _drop(self, configurable: dict[str, Any]) -> None:
        keys = ("thread_id", "checkpoint_ns", "checkpoint_id")
        thread, namespace, checkpoint_id = (configurable[key] for key in keys)
        self.storage[thread][namespace].pop(checkpoint_id, None)
        self.writes.pop((thread, namespace, checkpoint_id), None)
