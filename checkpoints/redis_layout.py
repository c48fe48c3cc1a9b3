"""Where a thread lies in Redis: `AsyncValkeySaver`'s keys, those beside them, how to read them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, get_checkpoint_id
from langgraph_checkpoint_aws.checkpoint.valkey import AsyncValkeySaver

BATCH = 500
Place = tuple[str, str, str]
"""Thread, namespace, checkpoint id."""


class RedisLayout(AsyncValkeySaver):
    """Finds and reads what is saved, without KEYS and without patterns that an id may hold."""

    async def _read(
        self, places: Sequence[Place], wanted: dict[str, Any] | None = None
    ) -> AsyncIterator[CheckpointTuple]:
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            saved = await self.client.mget([self._make_checkpoint_key(*each) for each in batch])
            writes = await self.client.mget([self._writes(each) for each in batch])
            for place, told, written in zip(batch, saved, writes, strict=True):
                if told is None:
                    continue
                checkpoint = orjson.loads(told)
                if self._should_include_checkpoint(checkpoint, wanted):
                    rows = self._parse_writes_blob(written)
                    yield self._deserialize_checkpoint_data(
                        checkpoint, rows, *place, config_of(place)
                    )

    async def _places(self, config: RunnableConfig | None) -> list[Place]:
        """Return what a config names, the newest checkpoint first."""
        if config is None:
            keys = [
                key.decode() async for key in self.client.scan_iter(match="thread:{*", count=BATCH)
            ]
            spaces = [tuple(key.removeprefix("thread:{").rsplit("}:", 1)) for key in keys]
        else:
            run = config["configurable"]
            thread, namespace = str(run["thread_id"]), run.get("checkpoint_ns")
            names = await self._spaces(thread) if namespace is None else [namespace]
            spaces = [(thread, name) for name in names]
            if wanted := get_checkpoint_id(config):
                return [(*space, wanted) for space in spaces]
        places = [(*space, each) for space in spaces for each in await self._ids(*space)]
        return sorted(places, key=lambda place: place[2], reverse=True)

    async def _ids(self, thread: str, namespace: str) -> list[str]:
        """Return the ids of checkpoints, the newest first."""
        ids = await self.client.lrange(self._make_thread_key(thread, namespace), 0, -1)
        return sorted((each.decode() for each in ids), reverse=True)

    async def _spaces(self, thread: str) -> list[str]:
        return sorted(each.decode() for each in await self.client.smembers(namespaces_key(thread)))

    def _writes(self, place: Place) -> str:
        return self._make_writes_key(*place)

    async def _keys(self, thread: str) -> list[str]:
        """Return every key of a thread."""
        keys = [namespaces_key(thread), written_key(thread), life_key(thread)]
        for namespace in await self._spaces(thread):
            keys.append(self._make_thread_key(thread, namespace))
            keys += [
                self._make_checkpoint_key(thread, namespace, each)
                for each in await self._ids(thread, namespace)
            ]
        for member in await self.client.smembers(written_key(thread)):
            checkpoint_id, _, namespace = member.decode().partition(":")
            keys.append(self._make_writes_key(thread, namespace, checkpoint_id))
        return keys


def config_of(place: Place) -> RunnableConfig:
    """Return the config that names one checkpoint."""
    thread, namespace, checkpoint_id = place
    run = {"thread_id": thread, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
    return {"configurable": run}


def namespaces_key(thread: str) -> str:
    """Return the key of the names of a thread's namespaces."""
    return f"namespaces:{{{thread}}}"


def written_key(thread: str) -> str:
    """Return the key of which checkpoints of a thread have writes."""
    return f"written:{{{thread}}}"


def life_key(thread: str) -> str:
    """Return the key of how many minutes a thread lives."""
    return f"life:{{{thread}}}"


def run_key(run_id: str) -> str:
    """Return the key of which checkpoints a run has saved."""
    return f"run:{run_id}"


def grave_key(thread: str) -> str:
    """Return the key of as of when a thread was deleted."""
    return f"buried:{{{thread}}}"
