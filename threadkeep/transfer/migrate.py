"""A whole database to another: the secret and every item first, then every thread's checkpoints.

Users keep their keys, since these are made with the secret, and threads their ids and owners. That
is only so in a database which holds nobody else's memory; one whose secret is another's and which
holds anything is refused. Once all is copied a mark says so, and nothing is ever copied again:
what was changed or forgotten there since is not to come back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.base.clock import now
from threadkeep.base.database_url import Database
from threadkeep.base.errors import BadInput
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.items import open_items
from threadkeep.stores.namespaces import SECRET, Namespace
from threadkeep.stores.pages import count_items, list_namespaces, pages_in
from threadkeep.stores.sqlite_items import Row

OWN = SECRET[0]
DONE = "migrated"
Progress = Callable[[int, int], None]


@dataclass(kw_only=True)
class Migrated:
    """What was copied."""

    items: int = 0
    threads: int = 0
    again: str = ""
    """When all of it was copied before; then nothing was copied now."""


async def prepare(source: BaseStore, database: Database) -> str:
    """Give an empty database the secret of another; return when it was migrated, if it was.

    Raises:
        BadInput: it holds somebody's memory already.
    """
    secret = await source.aget(*SECRET)
    async with open_items(database) as (items, _):
        here = await items.aget(*SECRET)
        if secret is None or here is None or here.value != secret.value:
            others = [each for each in await list_namespaces(items) if each != OWN]
            if others:
                raise BadInput(
                    f"The database {str(database)!r} holds memory already, under keys of its own; "
                    "name an empty one, or take over one user at a time with --user."
                )
            if secret is not None:
                await items.aput(*SECRET, secret.value, index=False)
        done = await items.aget(OWN, DONE)
    return str(done.value["at"]) if done else ""


async def copy_items(
    source: HybridStore, target: HybridStore, progress: Progress | None = None
) -> int:
    """Make the items of `target` those of `source`; return how many were put or taken away."""
    spaces = [each for each in await list_namespaces(source) if each != OWN]
    total = sum([await count_items(source, each) for each in spaces])
    done = changed = 0
    for namespace in spaces:
        async for page in pages_in(source, namespace):
            changed += await _copy_page(target, namespace, page)
            done += len(page)
            if progress:
                progress(done, total)
    for namespace in await list_namespaces(target):
        if namespace != OWN:
            async for page in pages_in(target, namespace):
                changed += await _drop_gone(source, target, namespace, page)
    return changed


async def copy_threads(
    source: BaseCheckpointSaver[Any],
    target: BaseCheckpointSaver[Any],
    progress: Progress | None = None,
) -> int:
    """Copy the checkpoints of all threads, with the records of whose they are."""
    threads = await source.athreads()  # type: ignore[attr-defined]
    copied = 0
    for place, thread in enumerate(threads, start=1):
        copied += await _copy_thread(source, target, thread)
        if progress:
            progress(place, len(threads))
    return copied


async def copy_lives(store: HybridStore, target: BaseCheckpointSaver[Any]) -> None:
    """Let threads that say how long they live do so in the new place too."""
    for namespace in await list_namespaces(store):
        if namespace[1:] == ("threads",):
            async for page in pages_in(store, namespace):
                for row in page:
                    if minutes := row.item.value.get("ttl_minutes"):
                        await target.aset_ttl(row.item.key, minutes)  # type: ignore[attr-defined]


async def finish(target: BaseStore) -> None:
    """Note that all is copied."""
    await target.aput(OWN, DONE, {"at": now().isoformat()}, index=False)


async def _copy_page(target: BaseStore, namespace: Namespace, page: Sequence[Row]) -> int:
    found = await target.abatch([GetOp(namespace, row.item.key, refresh_ttl=False) for row in page])
    puts = [
        PutOp(
            namespace,
            row.item.key,
            row.item.value,
            index=None if row.searched else False,
            ttl=row.ttl_minutes,
        )
        for row, item in zip(page, found, strict=True)
        if not isinstance(item, Item) or item.value != row.item.value
    ]
    if puts:
        await target.abatch(puts)
    return len(puts)


async def _drop_gone(
    source: BaseStore, target: BaseStore, namespace: Namespace, page: Sequence[Row]
) -> int:
    """Take away what an earlier attempt has copied and is gone from the source since."""
    found = await source.abatch([GetOp(namespace, row.item.key, refresh_ttl=False) for row in page])
    gone = [row.item.key for row, item in zip(page, found, strict=True) if item is None]
    if gone:
        await target.abatch([PutOp(namespace, key, None) for key in gone])
    return len(gone)


async def _copy_thread(
    source: BaseCheckpointSaver[Any], target: BaseCheckpointSaver[Any], thread: str
) -> bool:
    """Copy a thread unless it is there as it is; tell whether it was copied."""
    config: RunnableConfig = {"configurable": {"thread_id": thread}}
    found = [each async for each in source.alist(config)]
    there = {_id(each): each async for each in target.alist(config)}
    missing = [each for each in found if not _is_same(each, there.get(_id(each)))]
    # The oldest first: whatever stops it leaves a thread as it was a while ago.
    for each in sorted(missing, key=lambda each: each.checkpoint["id"]):
        await _put(target, each)
    return bool(missing)


async def _put(target: BaseCheckpointSaver[Any], found: CheckpointTuple) -> None:
    run = found.config["configurable"]
    place = {"thread_id": run["thread_id"], "checkpoint_ns": run.get("checkpoint_ns", "")}
    parent = (found.parent_config or {}).get("configurable", {}).get("checkpoint_id")
    stands_on: Any = {"configurable": place | ({"checkpoint_id": parent} if parent else {})}
    checkpoint = found.checkpoint
    saved = await target.aput(stands_on, checkpoint, found.metadata, checkpoint["channel_versions"])
    written: dict[str, list[tuple[str, Any]]] = {}
    for task, channel, value in found.pending_writes or ():
        written.setdefault(task, []).append((channel, value))
    for task, writes in written.items():
        await target.aput_writes(saved, writes, task)


def _id(found: CheckpointTuple) -> tuple[str, str]:
    run = found.config["configurable"]
    return str(run.get("checkpoint_ns", "")), str(run["checkpoint_id"])


def _is_same(found: CheckpointTuple, there: CheckpointTuple | None) -> bool:
    return there is not None and len(there.pending_writes or ()) == len(found.pending_writes or ())
