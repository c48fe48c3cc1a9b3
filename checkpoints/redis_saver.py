"""Short-term memory on Redis or Valkey, with a time to live.

`AsyncValkeySaver` lays out the keys and the values. What it answers with an empty thread when the
server fails, finds with KEYS or a pattern that an id may hold, or lacks, is done here.
"""

import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
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
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from valkey.exceptions import WatchError

from threadkeep.base.database_url import Database
from threadkeep.base.errors import ThreadDeleted
from threadkeep.base.redis import open_client
from threadkeep.checkpoints.owner_records import refuse_late_write
from threadkeep.checkpoints.pruning import Pruning
from threadkeep.checkpoints.redis_layout import (
    BATCH,
    Place,
    RedisLayout,
    config_of,
    grave_key,
    life_key,
    namespaces_key,
    run_key,
    written_key,
)

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

EXTEND_BELOW = 0.95
"""A life is extended when less than this share of it is left, so that not every read writes."""
GRAVE_SECONDS = 90 * 24 * 3600
"""How long it is remembered that a thread was deleted; nothing is late for longer."""


class RedisSaver(Pruning, RedisLayout):
    """`AsyncValkeySaver` with delete by run, copy, prune, a life per thread; strict."""

    def __init__(self, client: "Valkey", ttl_minutes: float | None = None) -> None:
        # None allows only what LangGraph itself knows to be safe: messages and plain values.
        super().__init__(client, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self.ttl_minutes = ttl_minutes

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; using a thread extends its life."""
        run = config["configurable"]
        thread, namespace = str(run["thread_id"]), run.get("checkpoint_ns", "")
        wanted = get_checkpoint_id(config)
        ids = [wanted] if wanted else (await self._ids(thread, namespace))[:1]
        async for found in self._read([(thread, namespace, each) for each in ids]):
            await self._use(thread)
            return found
        return None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, the newest first; without a config those of all threads."""
        left, end = limit, get_checkpoint_id(before) if before else None
        places = await self._places(config)
        earlier = [place for place in places if not end or place[2] < end]
        async for found in self._read(earlier, filter):
            if left == 0:
                return
            left = left and left - 1
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint and what finds it, in one transaction."""
        run = config["configurable"]
        place = (str(run["thread_id"]), run.get("checkpoint_ns", ""), checkpoint["id"])
        saved = self._serialize_checkpoint_data(config, checkpoint, metadata)
        await self._put_unless_late(place, saved, run)
        await self._use(place[0], [self._make_checkpoint_key(*place)])
        return config_of(place)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task wrote."""
        run = config["configurable"]
        thread, namespace = str(run["thread_id"]), str(run.get("checkpoint_ns", ""))
        refuse_late_write(await self._buried(thread), run)
        await super().aput_writes(config, writes, task_id, task_path)
        key = self._make_writes_key(thread, namespace, str(run["checkpoint_id"]))
        await self.client.sadd(namespaces_key(thread), namespace)
        await self.client.sadd(written_key(thread), f"{run['checkpoint_id']}:{namespace}")
        await self._use(thread, [key])
        try:
            refuse_late_write(await self._buried(thread), run)
        except ThreadDeleted:
            await self.client.delete(key)
            raise

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""
        await self._delete(await self._keys(str(thread_id)))

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread as of a checkpoint id; what comes late from before then is refused."""
        # First of all: whoever writes meanwhile sees it, or is seen.
        await self.client.set(grave_key(thread_id), at, ex=GRAVE_SECONDS)
        await self.adelete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        for run_id in run_ids:
            members = await self.client.smembers(run_key(run_id))
            for place in [tuple(orjson.loads(each)) for each in members]:
                await self._drop([place])
            await self.client.delete(run_key(run_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        if await self._buried(target_thread_id):
            raise ThreadDeleted(target_thread_id)
        places = await self._places({"configurable": {"thread_id": source_thread_id}})
        for place in reversed(places):
            saved, writes = await self.client.mget(
                self._make_checkpoint_key(*place), self._writes(place)
            )
            if saved is None:
                continue
            target = (target_thread_id, *place[1:])
            async with self.client.pipeline() as pipe:
                self._put(pipe, target, orjson.loads(saved) | {"thread_id": target_thread_id})
                if writes is not None:
                    pipe.set(self._writes(target), writes)
                    pipe.sadd(written_key(target_thread_id), f"{target[2]}:{target[1]}")
                await pipe.execute()
        await self._use(target_thread_id, anew=True)

    async def aprune_turns(self, thread_id: str, keep: int) -> None:
        """Keep the checkpoints of the newest `keep` turns; each begins with an "input" one."""
        config: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        began = [
            found.checkpoint["id"] async for found in self.alist(config, filter={"source": "input"})
        ]
        if len(began) > keep:
            places = await self._places({"configurable": {"thread_id": thread_id}})
            await self._drop([place for place in places if place[2] < began[keep - 1]])

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long after its last use a thread is kept; None keeps it."""
        await self.client.set(life_key(thread_id), minutes or 0.0)
        await self._use(thread_id, anew=True)

    async def athreads(self) -> list[str]:
        """Return the ids of all threads of everybody, those of records too."""
        return sorted({thread for thread, _, _ in await self._places(None)})

    async def asweep(self) -> int:
        """Return 0: the server itself deletes what has expired."""
        return 0

    async def _keep_latest(self, thread: str) -> None:
        for namespace in await self._spaces(thread):
            ids = await self._ids(thread, namespace)
            await self._drop([(thread, namespace, each) for each in ids[1:]])

    async def _put_unless_late(
        self, place: Place, saved: dict[str, Any], run: dict[str, Any]
    ) -> None:
        async with self.client.pipeline() as pipe:
            while True:
                await pipe.watch(grave_key(place[0]))
                refuse_late_write(await self._buried(place[0]), run, place[2])
                pipe.multi()
                self._put(pipe, place, saved)
                try:
                    await pipe.execute()
                except WatchError:
                    continue  # Deleted this very moment: look again.
                return

    async def _buried(self, thread: str) -> str | None:
        told = await self.client.get(grave_key(thread))
        return told.decode() if told else None

    def _put(self, pipe: Any, place: Place, saved: dict[str, Any]) -> None:
        thread, namespace, checkpoint_id = place
        pipe.set(self._make_checkpoint_key(*place), orjson.dumps(saved))
        # Removed first: a checkpoint that is put twice is listed once.
        pipe.lrem(self._make_thread_key(thread, namespace), 0, checkpoint_id)
        pipe.lpush(self._make_thread_key(thread, namespace), checkpoint_id)
        pipe.sadd(namespaces_key(thread), namespace)
        metadata = orjson.loads(base64.b64decode(saved["metadata"]))
        if run_id := metadata.get("run_id"):
            pipe.sadd(run_key(run_id), orjson.dumps(place))
            if self.ttl_minutes:
                pipe.expire(run_key(run_id), int(self.ttl_minutes * 60) + 1)

    async def _drop(self, places: Iterable[Place]) -> None:
        """Delete checkpoints with their writes."""
        for place in places:
            thread, namespace, checkpoint_id = place
            async with self.client.pipeline() as pipe:
                pipe.delete(self._make_checkpoint_key(*place), self._writes(place))
                pipe.lrem(self._make_thread_key(thread, namespace), 0, checkpoint_id)
                pipe.srem(written_key(thread), f"{checkpoint_id}:{namespace}")
                await pipe.execute()

    async def _delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), BATCH):
            await self.client.delete(*keys[start : start + BATCH])

    async def _use(self, thread: str, keys: Sequence[str] = (), *, anew: bool = False) -> None:
        """Extend a thread's life by its use; `keys` are new and have none yet."""
        told = await self.client.get(life_key(thread))
        minutes = self.ttl_minutes if told is None else float(told)
        if not minutes and not anew:
            return
        milliseconds = int((minutes or 0) * 60_000)
        left = await self.client.pttl(namespaces_key(thread))
        if anew or left < milliseconds * EXTEND_BELOW:
            keys = await self._keys(thread)
        async with self.client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.pexpire(key, milliseconds) if milliseconds else pipe.persist(key)
            await pipe.execute()


@asynccontextmanager
async def open_redis(
    database: Database, ttl_minutes: float | None = None
) -> AsyncIterator[RedisSaver]:
    """Open the saver.

    Raises:
        StorageFailed: the server is too old.
        valkey.exceptions.ValkeyError: it cannot be reached, or refuses.
    """
    async with open_client(database) as client:
        yield RedisSaver(client, ttl_minutes)
