"""Keep the stored messages of a thread on the branch of its state: forks, undone turns, edits."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, PutOp

from threadkeep.checkpoints.owned import Follow
from threadkeep.knowledge.branch_head import Head, has_diverged, head_of, stored_texts
from threadkeep.knowledge.message_versions import message_version
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.knowledge.stored_thread import StoredThread
from threadkeep.knowledge.stored_thread_items import (
    diff_ops,
    items_in_namespace,
    read_stored_thread,
)
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import threads_of, user_key

MAX_CHANGES = 200
"""Of reworded and removed messages that the record of a thread names."""


async def follow_branch(store: BaseStore, owner: str, thread: str, head: Head) -> None:
    """Switch the stored messages of a thread, and their notes, to the branch of `head`."""
    item = await store.aget(threads_of(owner), thread)
    if item is None:
        return
    record = dict(item.value)
    before = await read_stored_thread(store, owner, thread)
    after = before.copy()
    after.switch_to(head, int(record.get("begins_at") or 0))
    ttl = ttl_of(store, record)
    ops = diff_ops(owner, thread, before, after, ttl)
    notes_changed = before.notes != after.notes
    if "family" in record and not record.get("active"):
        more, more_changed = await _deactivate_family(store, owner, thread, record, after)
        ops, notes_changed = ops + more, notes_changed or more_changed
        record["active"] = True
    record["turns"] = sum(value.get("role") == "user" for _, value in after.active)
    record["last_message"] = head.through
    record["changed"] = _changed_versions(record.get("changed") or {}, before, after)
    ops.append(PutOp(threads_of(owner), thread, record, index=False, ttl=ttl))
    await store.abatch(ops)
    if notes_changed:
        await rebuild_knowledge(store, owner)


async def thread_messages(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the messages of a thread in order, also while a fork of it is the active one."""
    stored = await read_stored_thread(store, owner, thread)
    if "family" in record and not record.get("active"):
        through = str(record.get("last_message") or "")
        stored.switch_to(Head(through=through, stored=len(stored.active)))
    return stored.active


def follow_updates(store: BaseStore) -> Follow:
    """Return the callback by which a saver reports that a state was changed outside of a run."""

    async def follow(
        user_id: str, thread: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        owner, head = await user_key(store, user_id), head_of(after)
        ids = {message.id for message in after.get("messages") or ()}
        through = str(before.get("stored_through") or "")
        old_texts = stored_texts(before.get("messages") or (), through)
        removed = old_texts.keys() - ids
        item = await store.aget(threads_of(owner), thread)
        if item is None or item.value.get("last_message") is None:
            return
        reworded = any(old_texts.get(message) != text for message, text in head.texts.items())
        if removed or reworded or has_diverged(item.value, head):
            head = Head(through=head.through, stored=head.stored, texts=head.texts, removed=removed)
            await follow_branch(store, owner, thread, head)

    return follow


async def _deactivate_family(
    store: BaseStore, owner: str, thread: str, record: Mapping[str, Any], active: StoredThread
) -> tuple[list[PutOp], bool]:
    """Abandon what the other threads of the family do not share with the active one.

    Return the operations, and whether notes are among them.
    """
    ops, notes_changed = [], False
    shared = {message for message, _ in active.active}
    for item in await items_in_namespace(store, threads_of(owner)):
        if item.key == thread or item.value.get("family") != record["family"]:
            continue
        if not item.value.get("active"):
            continue
        before = await read_stored_thread(store, owner, item.key)
        after = before.copy()
        after.abandon_from(int(item.value.get("begins_at") or 0), shared)
        ttl = ttl_of(store, item.value)
        ops += diff_ops(owner, item.key, before, after, ttl)
        notes_changed = notes_changed or before.notes != after.notes
        value = {**item.value, "active": False}
        ops.append(PutOp(threads_of(owner), item.key, value, index=False, ttl=ttl))
    return ops, notes_changed


def _changed_versions(
    changed: Mapping[str, str], before: StoredThread, after: StoredThread
) -> dict[str, str]:
    """Return the versions of reworded messages, empty for removed ones, by id.

    A state with another wording is recognised by them, see `has_diverged`.
    """
    old = {message: str(value.get("text")) for message, value in before.active}
    new = {message: str(value.get("text")) for message, value in after.active}
    versions = dict(changed)
    for message in {*old, *versions} & {*new, *versions}:
        if message in new and (message in versions or old[message] != new[message]):
            versions[message] = message_version(message, new[message])
    last = max((value["position"] for _, value in after.active), default=-1)
    removed = [
        message
        for message, value in before.active
        if message not in new and value["position"] < last
    ]
    versions |= dict.fromkeys(removed, "")
    return dict(list(versions.items())[-MAX_CHANGES:])
