"""Find and read checkpoints in Redis, without KEYS and without patterns that contain an id."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, get_checkpoint_id

from threadkeep.checkpoints.damaged import DamageLog, is_checkpoint
from threadkeep.checkpoints.redis_keys import (
    CheckpointPath,
    checkpoint_key,
    checkpoints_with_writes_key,
    lifetime_key,
    namespaces_key,
    thread_key,
    writes_key,
)
from threadkeep.checkpoints.redis_rows import Row, checkpoint_tuple, metadata_of, parse_writes

BATCH_SIZE = 500


class RedisReader(BaseCheckpointSaver[str]):
    """The queries of the Redis saver."""

    damage: DamageLog
    client: Any
    """A `valkey.asyncio.Valkey`, whose type hints mix sync and async results."""

    async def _read(
        self, paths: Sequence[CheckpointPath], metadata_filter: dict[str, Any] | None = None
    ) -> AsyncIterator[CheckpointTuple]:
        for start in range(0, len(paths), BATCH_SIZE):
            batch = paths[start : start + BATCH_SIZE]
            checkpoints = await self.client.mget([checkpoint_key(path) for path in batch])
            writes = await self.client.mget([writes_key(path) for path in batch])
            for path, raw_row, raw_writes in zip(batch, checkpoints, writes, strict=True):
                if raw_row is None:
                    continue
                checkpoint = self._parse(path, raw_row, raw_writes, metadata_filter)
                if checkpoint:
                    yield checkpoint

    def _parse(
        self,
        path: CheckpointPath,
        raw_row: bytes,
        raw_writes: bytes | None,
        metadata_filter: dict[str, Any] | None,
    ) -> CheckpointTuple | None:
        """Return a checkpoint, unless the filter excludes it or it cannot be read."""
        try:
            row = orjson.loads(raw_row)
            if metadata_filter and not metadata_filter.items() <= metadata_of(row).items():
                return None
            checkpoint = checkpoint_tuple(self.serde, path, row, parse_writes(raw_writes))
        except Exception:
            self.damage.add(path[0])
            return None
        if not is_checkpoint(checkpoint):
            self.damage.add(path[0])
            return None
        return checkpoint

    async def _rows(
        self, paths: Sequence[CheckpointPath]
    ) -> AsyncIterator[tuple[CheckpointPath, Row]]:
        """Yield the rows of checkpoints, without deserialising what is in them."""
        for start in range(0, len(paths), BATCH_SIZE):
            batch = paths[start : start + BATCH_SIZE]
            raw_rows = await self.client.mget([checkpoint_key(path) for path in batch])
            for path, raw_row in zip(batch, raw_rows, strict=True):
                if raw_row is not None:
                    yield path, orjson.loads(raw_row)

    async def _paths(self, config: RunnableConfig | None) -> list[CheckpointPath]:
        """Return the paths of a config, or of all threads; newest checkpoint first."""
        if config is None:
            namespaces = await self._all_namespaces()
        else:
            configurable = config["configurable"]
            thread, namespace = str(configurable["thread_id"]), configurable.get("checkpoint_ns")
            names = await self._namespaces(thread) if namespace is None else [namespace]
            namespaces = [(thread, name) for name in names]
            if checkpoint_id := get_checkpoint_id(config):
                return [(thread, name, checkpoint_id) for name in names]
        paths = [
            (thread, namespace, checkpoint_id)
            for thread, namespace in namespaces
            for checkpoint_id in await self._checkpoint_ids(thread, namespace)
        ]
        return sorted(paths, key=lambda path: path[2], reverse=True)

    async def _checkpoint_ids(self, thread: str, namespace: str) -> list[str]:
        """Return the ids of checkpoints, newest first."""
        members = await self.client.lrange(thread_key(thread, namespace), 0, -1)
        return sorted((member.decode() for member in members), reverse=True)

    async def _namespaces(self, thread: str) -> list[str]:
        members = await self.client.smembers(namespaces_key(thread))
        return sorted(member.decode() for member in members)

    async def _all_namespaces(self) -> list[tuple[str, str]]:
        """Return the thread and name of all namespaces."""
        keys = [key.decode() async for key in self.client.scan_iter("thread:{*", count=BATCH_SIZE)]
        pairs = [key.removeprefix("thread:{").rsplit("}:", 1) for key in keys]
        return [(thread, namespace) for thread, namespace in pairs]

    async def _keys(self, thread: str) -> list[str]:
        """Return every key of a thread, except its tombstone."""
        with_writes = checkpoints_with_writes_key(thread)
        keys = [namespaces_key(thread), with_writes, lifetime_key(thread)]
        for namespace in await self._namespaces(thread):
            keys.append(thread_key(thread, namespace))
            keys += [
                checkpoint_key((thread, namespace, checkpoint_id))
                for checkpoint_id in await self._checkpoint_ids(thread, namespace)
            ]
        for member in await self.client.smembers(with_writes):
            checkpoint_id, _, namespace = member.decode().partition(":")
            keys.append(writes_key((thread, namespace, checkpoint_id)))
        return keys
