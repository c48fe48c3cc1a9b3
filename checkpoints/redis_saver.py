"""The saver on Redis or Valkey, with a time to live.

Keys and values have the format of `AsyncValkeySaver` (langgraph-checkpoint-aws), plus keys for
namespaces, runs, lifetimes and tombstones.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import random
from typing import TYPE_CHECKING, Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
)

from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadDeleted
from threadkeep.base.redis import open_client
from threadkeep.checkpoints.damaged import DamageLog, UnreadableState
from threadkeep.checkpoints.owner_records import refuse_late_write
from threadkeep.checkpoints.pruning import Pruning, Step, cut_of_turns, thin_turns
from threadkeep.checkpoints.redis_keys import (
    CheckpointPath,
    checkpoint_key,
    checkpoints_with_writes_key,
    lifetime_key,
    namespaces_key,
    run_key,
    thread_key,
    tombstone_key,
    writes_key,
)
from threadkeep.checkpoints.redis_reader import BATCH_SIZE, RedisReader
from threadkeep.checkpoints.redis_rows import (
    Row,
    checkpoint_row,
    compressed_fields,
    config_of,
    merge_writes,
    metadata_of,
    parse_writes,
    write_rows,
)
from threadkeep.checkpoints.serializer import StateSerializer

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

EXTEND_BELOW = 0.95
"""Extend a lifetime only below this share of it, so that not every read writes."""
TOMBSTONE_SECONDS = 90 * 24 * 3600
"""Time to live of a tombstone; no write is later than that."""


class RedisSaver(Pruning, RedisReader):
    """A saver with deletion by run, copy, pruning, expiry per thread and tombstones."""

    def __init__(self, client: "Valkey", ttl_minutes: float | None = None) -> None:
        super().__init__(serde=StateSerializer())
        self.damage = DamageLog()
        self.client = client
        self.ttl_minutes = ttl_minutes

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return a version that sorts after `current`."""
        number = int(current.partition(".")[0]) if current else 0
        return f"{number + 1:032}.{random():016}"  # noqa: S311  (no secret)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint, and extend the lifetime of its thread."""
        configurable = config["configurable"]
        thread, namespace = str(configurable["thread_id"]), configurable.get("checkpoint_ns", "")
        own_id = get_checkpoint_id(config)
        ids = [own_id] if own_id else await self._checkpoint_ids(thread, namespace)
        # One by one: the newest may have been evicted, or may be damaged.
        for checkpoint_id in ids:
            async for checkpoint in self._read([(thread, namespace, checkpoint_id)]):
                await self._extend_lifetime(thread)
                return checkpoint
        if ids and thread in self.damage.threads:
            raise UnreadableState
        return None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first; without a config those of all threads."""
        remaining, end = limit, get_checkpoint_id(before) if before else None
        paths = [path for path in await self._paths(config) if not end or path[2] < end]
        async for checkpoint in self._read(paths, filter):
            if remaining == 0:
                return
            remaining = remaining and remaining - 1
            yield checkpoint

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint with its index entries in one transaction."""
        configurable = config["configurable"]
        thread, checkpoint_id = str(configurable["thread_id"]), checkpoint["id"]
        path = (thread, configurable.get("checkpoint_ns", ""), checkpoint_id)
        row = checkpoint_row(self.serde, config, checkpoint, metadata)

        async def put(pipe: Any) -> None:
            await self._refuse_late_write(pipe, thread, configurable, checkpoint_id)
            pipe.multi()
            self._put_row(pipe, path, row)

        await self.client.transaction(put, tombstone_key(thread))
        await self._extend_lifetime(thread, [checkpoint_key(path)])
        return config_of(path)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save the writes of a task with their index entries in one transaction."""
        configurable = config["configurable"]
        thread, namespace = str(configurable["thread_id"]), configurable.get("checkpoint_ns", "")
        path = (thread, namespace, str(configurable["checkpoint_id"]))
        key, rows = writes_key(path), write_rows(self.serde, writes, task_id)

        async def put(pipe: Any) -> None:
            await self._refuse_late_write(pipe, thread, configurable)
            merged = merge_writes(parse_writes(await pipe.get(key)), rows)
            pipe.multi()
            self._put_writes(pipe, path, orjson.dumps(merged))

        await self.client.transaction(put, tombstone_key(thread), key)
        await self._extend_lifetime(thread, [key])

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        keys = await self._keys(str(thread_id))
        for start in range(0, len(keys), BATCH_SIZE):
            await self.client.delete(*keys[start : start + BATCH_SIZE])

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread; later refuse writes that began before the checkpoint id `at`."""
        # Set the tombstone first: a concurrent write either sees it, or is deleted here.
        await self.client.set(tombstone_key(thread_id), at, ex=TOMBSTONE_SECONDS)
        await self.adelete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        for run_id in run_ids:
            members = await self.client.smembers(run_key(run_id))
            await self._drop([tuple(orjson.loads(member)) for member in members])
            await self.client.delete(run_key(run_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        if await self.client.exists(tombstone_key(target_thread_id)):
            raise ThreadDeleted(target_thread_id)
        paths = await self._paths({"configurable": {"thread_id": source_thread_id}})
        for path in reversed(paths):
            raw_row, writes = await self.client.mget(checkpoint_key(path), writes_key(path))
            if raw_row is None:
                continue
            target = (target_thread_id, *path[1:])
            async with self.client.pipeline() as pipe:
                self._put_row(pipe, target, orjson.loads(raw_row) | {"thread_id": target[0]})
                if writes is not None:
                    self._put_writes(pipe, target, writes)
                await pipe.execute()
        await self._extend_lifetime(target_thread_id, restart=True)

    async def aprune_turns(self, thread_id: str, keep: int, whole: int | None = None) -> None:
        """Delete all but the newest `keep` turns; of them, but `whole`, only the end stays."""
        paths = await self._paths({"configurable": {"thread_id": thread_id}})
        rows = {
            path[2]: row async for path, row in self._rows([path for path in paths if not path[1]])
        }
        steps = [_step(checkpoint_id, row) for checkpoint_id, row in rows.items()]
        if cut := cut_of_turns(steps, keep):
            newest = {namespace: checkpoint_id for _, namespace, checkpoint_id in reversed(paths)}
            await self._drop(p for p in paths if p[2] < cut.cutoff(p[1], newest[p[1]]))
            steps = [step for step in steps if step.id >= cut.outer]
        if whole is None:
            return
        thinning = thin_turns(steps, whole)
        changes: dict[str, Row] = {
            checkpoint_id: {"parent_checkpoint_id": parent}
            for checkpoint_id, parent in thinning.parents.items()
        }
        for checkpoint_id in thinning.ends:
            changes[checkpoint_id] = changes.get(checkpoint_id, {}) | compressed_fields(
                rows[checkpoint_id]
            )
        for checkpoint_id, change in changes.items():
            if change:
                row = orjson.dumps(rows[checkpoint_id] | change)
                await self.client.set(
                    checkpoint_key((thread_id, "", checkpoint_id)), row, xx=True, keepttl=True
                )
        await self._drop((thread_id, "", checkpoint_id) for checkpoint_id in thinning.removed)

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread expires; None means never."""
        await self.client.set(lifetime_key(thread_id), minutes or 0.0)
        await self._extend_lifetime(thread_id, restart=True)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of all users, owner records included."""
        return sorted({thread for thread, _, _ in await self._paths(None)})

    async def asweep(self) -> int:
        """Return 0: the server deletes expired threads itself."""
        return 0

    async def _keep_latest(self, thread: str) -> None:
        for namespace in await self._namespaces(thread):
            older = (await self._checkpoint_ids(thread, namespace))[1:]
            await self._drop([(thread, namespace, checkpoint_id) for checkpoint_id in older])

    async def _refuse_late_write(
        self, pipe: Any, thread: str, configurable: Mapping[str, Any], new_id: str = ""
    ) -> None:
        tombstone = await pipe.get(tombstone_key(thread))
        refuse_late_write(tombstone.decode() if tombstone else None, configurable, new_id)

    def _put_row(self, pipe: Any, path: CheckpointPath, row: Row) -> None:
        thread, namespace, checkpoint_id = path
        pipe.set(checkpoint_key(path), orjson.dumps(row))
        # Remove it first: a checkpoint that is put twice must be listed once.
        pipe.lrem(thread_key(thread, namespace), 0, checkpoint_id)
        pipe.lpush(thread_key(thread, namespace), checkpoint_id)
        pipe.sadd(namespaces_key(thread), namespace)
        if run_id := metadata_of(row).get("run_id"):
            pipe.sadd(run_key(run_id), orjson.dumps(path))
            if self.ttl_minutes:
                pipe.expire(run_key(run_id), int(self.ttl_minutes * 60) + 1)

    def _put_writes(self, pipe: Any, path: CheckpointPath, writes: bytes) -> None:
        thread, namespace, checkpoint_id = path
        pipe.set(writes_key(path), writes)
        pipe.sadd(namespaces_key(thread), namespace)
        pipe.sadd(checkpoints_with_writes_key(thread), f"{checkpoint_id}:{namespace}")

    async def _drop(self, paths: Iterable[CheckpointPath]) -> None:
        """Delete checkpoints with their writes."""
        for path in paths:
            thread, namespace, checkpoint_id = path
            async with self.client.pipeline() as pipe:
                pipe.delete(checkpoint_key(path), writes_key(path))
                pipe.lrem(thread_key(thread, namespace), 0, checkpoint_id)
                pipe.srem(checkpoints_with_writes_key(thread), f"{checkpoint_id}:{namespace}")
                await pipe.execute()

    async def _extend_lifetime(
        self, thread: str, new_keys: Sequence[str] = (), *, restart: bool = False
    ) -> None:
        """Extend the lifetime of a used thread; `new_keys` have no time to live yet."""
        lifetime = await self.client.get(lifetime_key(thread))
        minutes = self.ttl_minutes if lifetime is None else float(lifetime)
        if not minutes and not restart:
            return
        milliseconds = int((minutes or 0) * 60_000)
        remaining = await self.client.pttl(namespaces_key(thread))
        keys = new_keys
        if restart or remaining < milliseconds * EXTEND_BELOW:
            keys = await self._keys(thread)
        async with self.client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.pexpire(key, milliseconds) if milliseconds else pipe.persist(key)
            await pipe.execute()


def _step(checkpoint_id: str, row: Row) -> Step:
    metadata = metadata_of(row)
    parent = row["parent_checkpoint_id"]
    return Step(checkpoint_id, parent, metadata.get("source"), metadata.get("step"))


@asynccontextmanager
async def open_redis(
    database: Database, ttl_minutes: float | None = None
) -> AsyncIterator[RedisSaver]:
    """Open the saver.

    Raises:
        StorageFailed: the server is too old.
        valkey.exceptions.ValkeyError: the server cannot be reached, or refuses the connection.
    """
    async with open_client(database) as client:
        yield RedisSaver(client, ttl_minutes)
