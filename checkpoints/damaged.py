"""Checkpoints that cannot be read: go on from the newest one that can."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, get_checkpoint_id
from langgraph.checkpoint.serde.base import SerializerProtocol

from threadkeep.base.errors import StorageFailed
from threadkeep.base.storage_errors import is_storage_error

log = logging.getLogger(__name__)
CHANNELS = ("channel_values", "channel_versions", "versions_seen")


@runtime_checkable
class Checkable(Protocol):
    """A saver whose file can be checked as a whole."""

    async def acheck(self) -> None:
        """Read the whole file; raise the driver's error where it is damaged."""


class UnreadableState(StorageFailed):
    """No checkpoint of a thread can be read, or not the one that is named."""

    def __init__(self) -> None:
        super().__init__(
            "The state of this thread cannot be read (damaged, or of another version); its stored "
            "messages can, and are remembered. Go on in another thread, or delete this one."
        )


class DamageLog:
    """What a saver could not read."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        """Ids of threads with a checkpoint or a write that cannot be read."""

    def add(self, thread: str) -> None:
        """Note a thread, and log it the first time."""
        if thread not in self.threads:
            self.threads.add(thread)
            log.warning("A state of the thread %s cannot be read; threadkeep doctor.", thread)


async def newest_readable(
    config: RunnableConfig,
    read: Callable[[RunnableConfig], Awaitable[CheckpointTuple | None]],
    checkpoint_ids: Callable[[], Awaitable[Sequence[str]]],
    damage: DamageLog,
) -> CheckpointTuple | None:
    """Return the config's checkpoint; without an id in it, the newest one that can be read.

    `checkpoint_ids` returns those of the thread and namespace, the newest first.

    Raises:
        UnreadableState: there are checkpoints, and none can be read.
    """
    checkpoint, is_damaged = await read_or_skip(config, read, damage)
    if not is_damaged:
        return checkpoint
    if not get_checkpoint_id(config):
        for checkpoint_id in await checkpoint_ids():
            place = {**config["configurable"], "checkpoint_id": checkpoint_id}
            checkpoint, _ = await read_or_skip({"configurable": place}, read, damage)
            if checkpoint:
                return checkpoint
    raise UnreadableState


async def read_or_skip(
    config: RunnableConfig,
    read: Callable[[RunnableConfig], Awaitable[CheckpointTuple | None]],
    damage: DamageLog,
) -> tuple[CheckpointTuple | None, bool]:
    """Return a checkpoint, and whether it is there and cannot be read."""
    try:
        checkpoint = await read(config)
        if checkpoint is None or is_checkpoint(checkpoint):
            return checkpoint, False
    except Exception as error:
        if is_storage_error(error):
            raise
    damage.add(str(config["configurable"]["thread_id"]))
    return None, True


def is_checkpoint(checkpoint: CheckpointTuple) -> bool:
    """Return whether a checkpoint has the parts that LangGraph goes on from."""
    content: Any = checkpoint.checkpoint
    return (
        isinstance(content, dict)
        and isinstance(content.get("id"), str)
        and all(isinstance(content.get(name), dict) for name in CHANNELS)
        and isinstance(checkpoint.metadata, dict)
    )


def readable_writes(
    rows: Iterable[tuple[str, str, str, bytes]], serde: SerializerProtocol
) -> tuple[list[tuple[str, str, Any]], bool]:
    """Deserialise writes (task, channel, type, value), and tell whether some had to be left out.

    The tasks of those are run again.
    """
    writes, is_damaged = [], False
    for task, channel, type_, value in rows:
        try:
            writes.append((task, channel, serde.loads_typed((type_, value))))
        except Exception:
            is_damaged = True
    return writes, is_damaged
