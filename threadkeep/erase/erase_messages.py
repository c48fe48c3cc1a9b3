"""Erase messages from a thread that stays: from its state and its stored messages."""

from collections.abc import Mapping, Set
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import PutOp

from threadkeep.base.storage_errors import is_storage_error
from threadkeep.base.user import USER_KEY, acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.erase.remove_messages import Entry, Value, remove_messages, text_of
from threadkeep.erase.state_without_messages import state_without_messages
from threadkeep.graph.agent import builder
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.stored_thread import StoredThread
from threadkeep.knowledge.stored_thread_items import diff_ops, read_stored_thread
from threadkeep.opened import Opened
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import threads_of

LAST_NODE = "store_turn"
"""No node follows it, so that no run is pending."""


async def erase_messages(opened: Opened, owner: str, thread: str, erased: Set[str]) -> int:
    """Remove messages from a thread, and delete its older checkpoints. Idempotent.

    The caller holds the thread's lock. Return how many stored messages remain, abandoned ones
    included.
    """
    item = await opened.store.aget(threads_of(owner), thread, refresh_ttl=False)
    record = dict(item.value) if item else {}
    # The state first: the stored messages are needed to find its branch.
    branch = await _erase_from_state(opened, owner, thread, record, erased)
    before = await read_stored_thread(opened.store, owner, thread)
    after = before.copy()
    positions = {
        int(value.get("position") or 0)
        for message, value in branch or before.active
        if message in erased
    }
    remove_messages(after, erased, positions, _erased_texts(before, erased))
    ttl = ttl_of(opened.store, record)
    ops = diff_ops(owner, thread, before, after, ttl)
    if record:
        new_record = _record_without(record, branch or before.active, after, erased, positions)
        ops.append(PutOp(threads_of(owner), thread, new_record, index=False, ttl=ttl))
    if ops:
        await opened.store.abatch(ops)
    return len(after.active) + len(after.abandoned)


async def _erase_from_state(
    opened: Opened, owner: str, thread: str, record: Mapping[str, Any], erased: Set[str]
) -> list[Entry]:
    """Remove messages from the state, keep only its newest checkpoint, and return its branch.

    A state that cannot be read is deleted; the stored messages stay.
    """
    try:
        return await _rewrite_state(opened, owner, thread, record, erased)
    except Exception as error:
        if is_storage_error(error):
            raise
        # A state that cannot be read cannot be rewritten either, and may hold what is erased.
        await opened.inner_saver.adelete_thread(thread)
        return []


async def _rewrite_state(
    opened: Opened, owner: str, thread: str, record: Mapping[str, Any], erased: Set[str]
) -> list[Entry]:
    config: Any = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    newest = await opened.inner_saver.aget_tuple(config)
    if newest is None:
        return []
    # A guard without a follower: the caller changes the stored messages.
    saver = OwnedSaver(opened.inner_saver)
    graph = builder.compile(checkpointer=saver)
    user = str(newest.metadata.get(USER_KEY))
    run = cast(RunnableConfig, {"configurable": {"thread_id": thread, USER_KEY: user}})
    with acting_as(user):
        values = (await graph.aget_state(run)).values
        stored = await read_stored_thread(opened.store, owner, thread)
        stored.switch_to(head_of(values), int(record.get("begins_at") or 0))
        update = state_without_messages(values, stored.active, erased)
        await graph.aupdate_state(run, update, as_node=LAST_NODE)
        await saver.aprune([thread])
    return stored.active


def _erased_texts(stored: StoredThread, erased: Set[str]) -> set[str]:
    texts = {text_of(value) for message, value in stored.active if message in erased}
    entries = stored.abandoned.values()
    return texts | {text_of(entry["message"]) for entry in entries if entry["id"] in erased}


def _record_without(
    record: Mapping[str, Any],
    branch: list[Entry],
    after: StoredThread,
    erased: Set[str],
    positions: Set[int],
) -> Value:
    """Return the thread's record without the erased messages."""
    new = dict(record)
    last = record.get("last_message")
    if last in erased:
        order = [message for message, _ in branch]
        earlier = order[: order.index(str(last))] if last in order else []
        new["last_message"] = next((key for key in reversed(earlier) if key not in erased), "")
    remaining = [entry for entry in branch if entry[0] not in erased] or after.active
    new["turns"] = sum(value.get("role") == "user" for _, value in remaining)
    if begins_at := int(record.get("begins_at") or 0):
        new["begins_at"] = begins_at - sum(position < begins_at for position in positions)
    for field in ("changed", "corrected"):
        if values := record.get(field):
            new[field] = {key: value for key, value in values.items() if key not in erased}
    return new
