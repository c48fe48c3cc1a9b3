"""LangGraph's in-memory saver, made complete; for tests."""

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
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from threadkeep.base.errors import ThreadDeleted
from threadkeep.checkpoints.owner_records import refuse_late_write
from threadkeep.checkpoints.pruning import Pruning

FOREVER_MINUTES = 1e9


class MemorySaver(Pruning, InMemorySaver):
    """`InMemorySaver` with what it lacks: delete by run, copy, prune, expiry; strict."""

    def __init__(self, ttl_minutes: float | None = None) -> None:
        super().__init__(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self.ttl_minutes = ttl_minutes
        self._lives: dict[str, tuple[float, float]] = {}
        self._buried: dict[str, str] = {}

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; a thread that has expired is deleted instead."""
        self._use(str(config["configurable"]["thread_id"]))
        return self.get_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, the newest first; none of threads that have expired."""
        await self.asweep()
        for found in self.list(config, filter=filter, before=before, limit=limit):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint."""
        thread = str(config["configurable"]["thread_id"])
        refuse_late_write(self._buried.get(thread), config["configurable"], checkpoint["id"])
        self._use(thread)
        if self.ttl_minutes is not None and thread not in self._lives:
            await self.aset_ttl(thread, self.ttl_minutes)
        return self.put(config, checkpoint, metadata, new_versions)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        self._lives.pop(thread_id, None)
        self.delete_thread(thread_id)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task wrote."""
        run = config["configurable"]
        refuse_late_write(self._buried.get(str(run["thread_id"])), run)
        self.put_writes(config, writes, task_id, task_path)

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread as of a checkpoint id; what comes late from before then is refused."""
        self._buried[thread_id] = at
        await self.adelete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        for found in list(self.list(None)):
            if found.metadata.get("run_id") in run_ids:
                self._drop(found.config["configurable"])

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        if target_thread_id in self._buried:
            raise ThreadDeleted(target_thread_id)
        for namespace, checkpoints in list(self.storage.get(source_thread_id, {}).items()):
            self.storage[target_thread_id][namespace].update(checkpoints)
        for (thread, *place), written in list(self.writes.items()):
            if thread == source_thread_id:
                self.writes[(target_thread_id, *place)] = dict(written)  # type: ignore[index]
        for (thread, *channel), blob in list(self.blobs.items()):
            if thread == source_thread_id:
                self.blobs[(target_thread_id, *channel)] = blob  # type: ignore[index]

    async def aprune_turns(self, thread_id: str, keep: int) -> None:
        """Keep the checkpoints of the newest `keep` turns; each begins with an "input" one."""
        config: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        began = [found.checkpoint["id"] for found in self.list(config, filter={"source": "input"})]
        if len(began) > keep:
            for namespace in list(self.storage[thread_id]):
                self._drop_older(thread_id, namespace, began[keep - 1])

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread is kept; None keeps it."""
        length = FOREVER_MINUTES if minutes is None else minutes
        self._lives[thread_id] = (length, time.time() + length * 60)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of everybody, those of records too."""
        return [str(thread) for thread, spaces in self.storage.items() if spaces]

    async def asweep(self) -> int:
        """Delete the threads that have expired; return how many that was."""
        over = [thread for thread, (_, ends) in self._lives.items() if ends <= time.time()]
        for thread in over:
            await self.adelete_thread(thread)
        return len(over)

    async def _keep_latest(self, thread: str) -> None:
        for namespace, checkpoints in self.storage.get(thread, {}).items():
            self._drop_older(thread, namespace, max(checkpoints, default=""))

    def _use(self, thread: str) -> None:
        """Extend a thread's life by its use; delete it where that is over."""
        minutes, ends = self._lives.get(thread, (0.0, 0.0))
        if ends and ends <= time.time():
            self._lives.pop(thread)
            self.delete_thread(thread)
        elif ends:
            self._lives[thread] = (minutes, time.time() + minutes * 60)

    def _drop_older(self, thread: str, namespace: str, oldest: str) -> None:
        for checkpoint_id in [each for each in self.storage[thread][namespace] if each < oldest]:
            self._drop(
                {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
            )
        used = {
            (channel, version)
            for saved, _, _ in self.storage[thread][namespace].values()
            for channel, version in self.serde.loads_typed(saved)["channel_versions"].items()
        }
        for key in list(self.blobs):
            if key[:2] == (thread, namespace) and key[2:] not in used:
                del self.blobs[key]

    def _drop(self, run: dict[str, Any]) -> None:
        thread, namespace, checkpoint_id = (
            run["thread_id"],
            run["checkpoint_ns"],
            run["checkpoint_id"],
        )
        self.storage[thread][namespace].pop(checkpoint_id, None)
        self.writes.pop((thread, namespace, checkpoint_id), None)
