"""Copy the checkpoints of all threads to another database, with the records of their owners."""

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.indexing import Progress
from threadkeep.stores.pages import list_namespaces, pages_in

Saver = BaseCheckpointSaver[Any]


async def copy_threads(source: Saver, target: Saver, progress: Progress | None = None) -> int:
    """Copy the checkpoints of all threads; return how many threads had changes."""
    threads = await source.athreads()  # type: ignore[attr-defined]
    copied = 0
    for completed, thread in enumerate(threads, start=1):
        copied += await _copy_thread(source, target, thread)
        if progress:
            progress(completed, len(threads))
    return copied


async def copy_thread_ttls(store: HybridStore, target: Saver) -> None:
    """Set the lifetimes of threads that have their own."""
    for namespace in await list_namespaces(store):
        if namespace[1:] == ("threads",):
            async for page in pages_in(store, namespace):
                for row in page:
                    if minutes := row.item.value.get("ttl_minutes"):
                        await target.aset_ttl(row.item.key, minutes)  # type: ignore[attr-defined]


async def _copy_thread(source: Saver, target: Saver, thread: str) -> bool:
    """Copy the missing checkpoints of a thread; return whether there were any."""
    config: RunnableConfig = {"configurable": {"thread_id": thread}}
    checkpoints = [checkpoint async for checkpoint in source.alist(config)]
    copied = {_id(checkpoint): checkpoint async for checkpoint in target.alist(config)}
    missing = [
        checkpoint
        for checkpoint in checkpoints
        if not _is_same(checkpoint, copied.get(_id(checkpoint)))
    ]
    # The oldest first: an interruption leaves an earlier state of the thread.
    for checkpoint in sorted(missing, key=lambda item: item.checkpoint["id"]):
        await _copy_checkpoint(target, checkpoint)
    return bool(missing)


async def _copy_checkpoint(target: Saver, source: CheckpointTuple) -> None:
    run = source.config["configurable"]
    parent = (source.parent_config or {}).get("configurable", {}).get("checkpoint_id")
    place = {"thread_id": run["thread_id"], "checkpoint_ns": run.get("checkpoint_ns", "")}
    config: Any = {"configurable": place | ({"checkpoint_id": parent} if parent else {})}
    checkpoint = source.checkpoint
    versions = checkpoint["channel_versions"]
    saved = await target.aput(config, checkpoint, source.metadata, versions)
    writes_by_task: dict[str, list[tuple[str, Any]]] = {}
    for task, channel, value in source.pending_writes or ():
        writes_by_task.setdefault(task, []).append((channel, value))
    for task, writes in writes_by_task.items():
        await target.aput_writes(saved, writes, task)


def _id(checkpoint: CheckpointTuple) -> tuple[str, str]:
    run = checkpoint.config["configurable"]
    return str(run.get("checkpoint_ns", "")), str(run["checkpoint_id"])


def _is_same(source: CheckpointTuple, copy: CheckpointTuple | None) -> bool:
    return copy is not None and len(copy.pending_writes or ()) == len(source.pending_writes or ())
