"""The record of a thread in the store: name, creation, last use, number of turns."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.config import get_config
from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.checkpoints.thread_turns import graph_namespace, has_state_with
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.branch_head import has_diverged, head_of
from threadkeep.knowledge.branch_sync import follow_branch
from threadkeep.knowledge.stored_messages import StoredMessage
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import messages_of, threads_of
from threadkeep.stores.pages import ALL

log = logging.getLogger(__name__)


async def current_record(store: BaseStore, owner: str, thread: str, state: State) -> dict[str, Any]:
    """Return the thread's record, after its messages follow the branch of the state."""
    record = await _read(store, owner, thread)
    if await follow_state(store, owner, thread, record, state):
        record = await _read(store, owner, thread)
    if record.get("turns") and record.get("last_message") is None:
        # The thread was imported: its messages come first, on every branch.
        record["begins_at"] = len(
            await store.asearch(messages_of(owner, thread), limit=ALL, refresh_ttl=False)
        )
    return record


async def adopt_stored(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any], state: State
) -> Update:
    """Return how far the messages of a new state are stored already; nothing if they are not.

    Inside another graph each run has a new state, which that graph hands all messages. They keep
    their places and times; other words for one of them are an edit.
    """
    ids = [message.id or "" for message in state.messages]
    last = str(record.get("last_message") or "")
    if state.stored_through or last not in ids:
        return {}
    stored_ids = ids[: ids.index(last) + 1]
    items = await store.abatch([GetOp(messages_of(owner, thread), key) for key in stored_ids])
    values = [item.value if isinstance(item, Item) else {} for item in items]
    if [value.get("position") for value in values] != list(range(len(stored_ids))):
        return {}
    update: Update = {"stored": len(stored_ids), "stored_through": last}
    head = head_of(vars(state) | update)
    if any(value["text"] != head.texts[key] for key, value in zip(stored_ids, values, strict=True)):
        await follow_branch(store, owner, thread, head)
    return update


async def follow_state(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any], state: State
) -> bool:
    """Switch the stored messages to the branch of a run's state; return whether that was due."""
    head = head_of(vars(state))
    if not record or not has_diverged(record, head):
        return False
    if not await has_state_with(get_config(), str(record.get("last_message") or "")):
        await _keep_all(store, owner, thread, record)
    await follow_branch(store, owner, thread, head)
    return True


async def _keep_all(store: BaseStore, owner: str, thread: str, record: Mapping[str, Any]) -> None:
    """Keep all stored messages of a thread whose newer states are gone: that is no branch.

    Like those of an imported thread they come first, on every branch.
    """
    items = await store.asearch(messages_of(owner, thread), limit=ALL, refresh_ttl=False)
    end = max((int(item.value["position"]) + 1 for item in items), default=0)
    value = {**record, "begins_at": end}
    await store.aput(threads_of(owner), thread, value, index=False, ttl=ttl_of(store, value))
    if graph_namespace(get_config()):
        return
    log.warning(
        "Newer states of the thread %r are gone; its %d stored messages are kept and remembered.",
        str(record.get("name") or thread),
        len(items),
    )


async def touch_thread(
    store: BaseStore,
    owner: str,
    thread: str,
    new: Sequence[StoredMessage],
    name: str,
    record: Mapping[str, Any],
    ttl: float | None = None,
) -> None:
    """Write the record of a thread that got `new` messages; a repeated turn counts once."""
    if not new:
        return
    questions = sum(message["role"] == "user" for message in new)
    repeated = record.get("last_message") == new[-1]["id"]
    value = {
        **record,
        "name": record.get("name") or name or thread,
        "created": record.get("created") or new[0]["time"],
        "last_used": max(str(record.get("last_used") or ""), new[-1]["time"]),
        "turns": int(record.get("turns") or 0) + (0 if repeated else questions),
        "last_message": new[-1]["id"],
    }
    await store.aput(threads_of(owner), thread, value, index=False, ttl=ttl)


async def _read(store: BaseStore, owner: str, thread: str) -> dict[str, Any]:
    item = await store.aget(threads_of(owner), thread)
    return dict(item.value) if item else {}
