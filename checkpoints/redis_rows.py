"""Checkpoints and writes as JSON rows in Redis, in the format of `AsyncValkeySaver`."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from threadkeep.checkpoints.compression import COMPRESSED, MSGPACK, compressed
from threadkeep.checkpoints.damaged import readable_writes
from threadkeep.checkpoints.redis_keys import CheckpointPath

Row = dict[str, Any]


def checkpoint_row(
    serde: SerializerProtocol,
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
) -> Row:
    """Return the row of a checkpoint."""
    configurable = config["configurable"]
    type_, data = serde.dumps_typed(checkpoint)
    metadata_json = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False)
    return {
        "thread_id": str(configurable["thread_id"]),
        "checkpoint_id": checkpoint["id"],
        "parent_checkpoint_id": configurable.get("checkpoint_id"),
        "type": type_,
        "checkpoint": b64encode(data).decode(),
        "metadata": b64encode(metadata_json.encode("utf-8", "ignore")).decode(),
    }


def compressed_fields(row: Row) -> Row:
    """Return the fields that change when the checkpoint of a row is compressed."""
    if row["type"] != MSGPACK:
        return {}
    data = compressed(b64decode(row["checkpoint"]))
    return {"type": COMPRESSED, "checkpoint": b64encode(data).decode()}


def write_rows(
    serde: SerializerProtocol, writes: Sequence[tuple[str, Any]], task_id: str
) -> list[Row]:
    """Return the rows of a task's writes; special channels have negative indexes."""
    rows = []
    for index, (channel, value) in enumerate(writes):
        type_, data = serde.dumps_typed(value)
        row_index = WRITES_IDX_MAP.get(channel, index)
        row = {"task_id": task_id, "idx": row_index, "channel": channel, "type": type_}
        rows.append({**row, "value": b64encode(data).decode()})
    return rows


def merge_writes(existing: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Add writes by task and index; only those of special channels replace existing ones."""
    rows = {(row["task_id"], row["idx"]): row for row in existing}
    for row in new:
        key = (row["task_id"], row["idx"])
        if row["idx"] < 0 or key not in rows:
            rows[key] = row
    return list(rows.values())


def parse_writes(raw: bytes | None) -> list[Row]:
    """Return the rows of a stored list of writes."""
    return list(orjson.loads(raw)) if raw else []


def metadata_of(row: Row) -> CheckpointMetadata:
    """Return the metadata of a checkpoint row."""
    metadata: CheckpointMetadata = json.loads(b64decode(row["metadata"]))
    return metadata


def checkpoint_tuple(
    serde: SerializerProtocol, path: CheckpointPath, row: Row, writes: Sequence[Row]
) -> CheckpointTuple:
    """Deserialise a checkpoint row with its writes."""
    parent_id = row["parent_checkpoint_id"]
    return CheckpointTuple(
        config=config_of(path),
        checkpoint=serde.loads_typed((row["type"], b64decode(row["checkpoint"]))),
        metadata=metadata_of(row),
        parent_config=config_of((*path[:2], parent_id)) if parent_id else None,
        pending_writes=readable_writes(
            (
                (write["task_id"], write["channel"], write["type"], b64decode(write["value"]))
                for write in writes
            ),
            serde,
        )[0],
    )


def config_of(path: CheckpointPath) -> RunnableConfig:
    """Return the config of one checkpoint."""
    thread, namespace, checkpoint_id = path
    return {
        "configurable": {
            "thread_id": thread,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
        }
    }
