"""The format of checkpoints in Redis is that of `AsyncValkeySaver` 1.2.6."""

from typing import Any

from langchain_core.runnables import RunnableConfig

from tests.backends import fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.checkpoints.redis_saver import RedisSaver, open_redis

CHECKPOINT_KEY, THREAD_KEY, WRITES_KEY = "checkpoint:{t}::2", "thread:{t}:", "writes:{t}::2"
CHECKPOINT_ROW = (
    b'{"thread_id":"t","checkpoint_id":"2","parent_checkpoint_id":"1","type":"msgpack",'
    b'"checkpoint":"h6F2BKJ0c7kyMDI2LTAzLTA0VDA5OjMwOjAwKzAwOjAwomlkoTKuY2hhbm5lbF92YWx1ZXOBpHRl'
    b"eHSmQmVyZ2VusGNoYW5uZWxfdmVyc2lvbnOBpHRleHShMa12ZXJzaW9uc19zZWVugLB1cGRhdGVkX2NoYW5uZWxzka"
    b'R0ZXh0","metadata":"eyJzb3VyY2UiOiAibG9vcCIsICJzdGVwIjogMSwgInBhcmVudHMiOiB7fSwgInVzZXJfaW'
    b'QiOiAiYWRhIn0="}'
)
WRITE_ROWS = (
    b'[{"task_id":"task","idx":0,"channel":"text","type":"msgpack","value":"pE9zbG8="},'
    b'{"task_id":"task","idx":-1,"channel":"__error__","type":"msgpack","value":"oXg="}]'
)
CHECKPOINT: Any = {
    "v": 4,
    "ts": "2026-03-04T09:30:00+00:00",
    "id": "2",
    "channel_values": {"text": "Bergen"},
    "channel_versions": {"text": "1"},
    "versions_seen": {},
    "updated_channels": ["text"],
}
METADATA: Any = {"source": "loop", "step": 1, "parents": {}, "user_id": "ada"}
WRITES = [("text", "Oslo"), ("__error__", "x")]


def config(checkpoint_id: str) -> RunnableConfig:
    path = {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
    return {"configurable": path}


async def put(saver: RedisSaver, text: str = "Oslo") -> None:
    await saver.aput(config("1"), CHECKPOINT, METADATA, {})
    await saver.aput_writes(config("2"), [("text", text), WRITES[1]], "task")


async def test_stored_checkpoints_of_earlier_versions_are_read() -> None:
    async with fresh_database("redis") as url, open_redis(parse_database(url)) as saver:
        await saver.client.set(CHECKPOINT_KEY, CHECKPOINT_ROW)
        await saver.client.lpush(THREAD_KEY, "2")
        await saver.client.set(WRITES_KEY, WRITE_ROWS)
        checkpoint = await saver.aget_tuple({"configurable": {"thread_id": "t"}})
    assert checkpoint is not None
    assert (checkpoint.config, checkpoint.parent_config) == (config("2"), config("1"))
    assert (checkpoint.checkpoint, checkpoint.metadata) == (CHECKPOINT, METADATA)
    assert checkpoint.pending_writes == [("task", *write) for write in WRITES]


async def test_checkpoints_are_stored_byte_for_byte_as_before() -> None:
    async with fresh_database("redis") as url, open_redis(parse_database(url)) as saver:
        await put(saver)
        assert await saver.client.get(CHECKPOINT_KEY) == CHECKPOINT_ROW
        assert await saver.client.lrange(THREAD_KEY, 0, -1) == [b"2"]
        assert await saver.client.get(WRITES_KEY) == WRITE_ROWS


async def test_a_repeated_write_of_a_task_is_stored_once() -> None:
    async with fresh_database("redis") as url, open_redis(parse_database(url)) as saver:
        await put(saver)
        await put(saver, "Bodø")
        assert await saver.client.lrange(THREAD_KEY, 0, -1) == [b"2"]
        assert await saver.client.get(WRITES_KEY) == WRITE_ROWS
