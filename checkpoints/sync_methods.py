"""Sync methods of an async saver, for graphs that run in other threads than its event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from threadkeep.base.sync_calls import wait_on

T = TypeVar("T")


class SyncMethods(BaseCheckpointSaver[Any]):
    """A saver whose sync methods run the async ones in its event loop, and wait."""

    _loop: asyncio.AbstractEventLoop

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Call `aget_tuple`."""
        return self._wait(lambda: self.aget_tuple(config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Call `alist`."""
        checkpoints = self.alist(config, filter=filter, before=before, limit=limit)
        yield from self._wait(lambda: _collect(checkpoints))

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Call `aput`."""
        return self._wait(lambda: self.aput(config, checkpoint, metadata, new_versions))

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Call `aput_writes`."""
        self._wait(lambda: self.aput_writes(config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Call `adelete_thread`."""
        self._wait(lambda: self.adelete_thread(thread_id))

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return wait_on(self._loop, work)


async def _collect(checkpoints: AsyncIterator[CheckpointTuple]) -> Sequence[CheckpointTuple]:
    return [checkpoint async for checkpoint in checkpoints]
