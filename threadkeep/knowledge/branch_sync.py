"""Rewind the long-term memory of a thread with its state: forks, undone turns, edited messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.store.base import BaseStore, Item, PutOp

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.validation import sanitise_text
from threadkeep.checkpoints.owned import Follow
from threadkeep.knowledge.branches import Head, Kept, version
from threadkeep.knowledge.refold import refold
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import (
    Namespace,
    abandoned_of,
    messages_of,
    notes_of,
    threads_of,
    user_key,
)

ALL = 1_000_000
CHANGES_KEPT = 200


def head_of(values: Mapping[str, Any]) -> Head:
    """Return where a state stands."""
    through = str(values.get("stored_through") or "")
    return Head(
        through=through,
        stored=int(values.get("stored") or 0),
        texts=wordings(values.get("messages") or (), through),
    )


def wordings(messages: Sequence[AnyMessage], through: str) -> dict[str, str]:
    """Return the text of each message up to the one that was stored last, by id."""
    ids = [message.id for message in messages]
    end = ids.index(through) + 1 if through in ids else 0
    return {str(m.id): sanitise_text(text_with_tool_calls(m)) for m in messages[:end]}


def has_turned(record: Mapping[str, Any], head: Head) -> bool:
    """Tell whether the store stands elsewhere than the state, by the thread's record alone."""
    last = record.get("last_message")
    if last is None:
        return False
    if last != head.through or ("family" in record and not record.get("active")):
        return True
    changed = record.get("changed") or {}
    return any(
        message in head.texts and told != version(message, head.texts[message])
        for message, told in changed.items()
    )


async def follow_branch(store: BaseStore, user: str, thread: str, head: Head) -> None:
    """Let a thread's stored messages, and what they taught, be those of its state."""
    item = await store.aget(threads_of(user), thread)
    if item is None:
        return
    record = dict(item.value)
    before, kept = await kept_of(store, user, thread), await kept_of(store, user, thread)
    kept.turn_to(head, int(record.get("begins_at") or 0))
    ttl = ttl_of(store, record)
    ops = differences(user, thread, before, kept, ttl)
    taught = before.notes != kept.notes
    if "family" in record and not record.get("active"):
        resting, more = await _rest(store, user, thread, record, kept)
        ops, taught = ops + resting, taught or more
        record["active"] = True
    record["turns"] = sum(value.get("role") == "user" for _, value in kept.active)
    record["last_message"] = head.through
    record["changed"] = _changed(record.get("changed") or {}, before, kept)
    ops.append(PutOp(threads_of(user), thread, record, index=False, ttl=ttl))
    await store.abatch(ops)
    if taught:
        await refold(store, user)


async def thread_messages(
    store: BaseStore, user: str, thread: str, record: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the messages of a thread in their order, also while another branch is the used one."""
    kept = await kept_of(store, user, thread)
    if "family" in record and not record.get("active"):
        through = str(record.get("last_message") or "")
        kept.turn_to(Head(through=through, stored=len(kept.active)))
    return kept.active


def follow_updates(store: BaseStore) -> Follow:
    """Return what a saver calls after somebody changed a state, so that the store follows it."""

    async def follow(
        user_id: str, thread: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        user, head = await user_key(store, user_id), head_of(after)
        ids = {message.id for message in after.get("messages") or ()}
        gone = wordings(before.get("messages") or (), str(before.get("stored_through") or ""))
        removed = gone.keys() - ids
        item = await store.aget(threads_of(user), thread)
        if item is None or item.value.get("last_message") is None:
            return
        reworded = {each: text for each, text in head.texts.items() if gone.get(each) != text}
        if removed or reworded or has_turned(item.value, head):
            moved = Head(
                through=head.through, stored=head.stored, texts=head.texts, removed=removed
            )
            await follow_branch(store, user, thread, moved)

    return follow


async def kept_of(store: BaseStore, user: str, thread: str) -> Kept:
    """Return all that is stored of a thread's messages."""
    active = await _items(store, messages_of(user, thread))
    left = await _items(store, abandoned_of(user, thread))
    notes = await _items(store, notes_of(user, thread))
    ordered = sorted(active, key=lambda item: int(item.value["position"]))
    return Kept(
        active=[(item.key, dict(item.value)) for item in ordered],
        left={item.key: dict(item.value) for item in left},
        notes={item.key: dict(item.value) for item in notes},
    )


async def _rest(
    store: BaseStore, user: str, thread: str, record: Mapping[str, Any], kept: Kept
) -> tuple[list[PutOp], bool]:
    """Leave what the other threads of the family have of their own; tell whether it taught."""
    ops, taught = [], False
    mine = {message for message, _ in kept.active}
    for other in await _items(store, threads_of(user)):
        if other.key == thread or other.value.get("family") != record["family"]:
            continue
        if not other.value.get("active"):
            continue
        before, rest = await kept_of(store, user, other.key), await kept_of(store, user, other.key)
        rest.leave_from(int(other.value.get("begins_at") or 0), mine)
        ttl = ttl_of(store, other.value)
        ops += differences(user, other.key, before, rest, ttl)
        taught = taught or before.notes != rest.notes
        value = {**other.value, "active": False}
        ops.append(PutOp(threads_of(user), other.key, value, index=False, ttl=ttl))
    return ops, taught


def differences(
    user: str, thread: str, before: Kept, after: Kept, ttl: float | None
) -> list[PutOp]:
    """Return what makes of the one what is the other."""
    pairs: list[tuple[Namespace, Mapping[str, Any], Mapping[str, Any]]] = [
        (messages_of(user, thread), dict(before.active), dict(after.active)),
        (abandoned_of(user, thread), before.left, after.left),
        (notes_of(user, thread), before.notes, after.notes),
    ]
    ops = []
    for namespace, old, new in pairs:
        changed = [(key, value) for key, value in new.items() if old.get(key) != value]
        ops += [PutOp(namespace, key, dict(value), ttl=ttl) for key, value in changed]
        ops += [PutOp(namespace, key, None) for key in old.keys() - new.keys()]
    return ops


def _changed(changed: Mapping[str, str], before: Kept, after: Kept) -> dict[str, str]:
    """Return which messages were reworded or taken out, so that another wording shows itself."""
    old = {message: str(value.get("text")) for message, value in before.active}
    new = {message: str(value.get("text")) for message, value in after.active}
    told = dict(changed)
    for message in {*old, *told} & {*new, *told}:
        if message in new and (message in told or old[message] != new[message]):
            told[message] = version(message, new[message])
    last = max((v["position"] for _, v in after.active), default=-1)
    taken = [m for m, v in before.active if m not in new and v["position"] < last]
    told |= dict.fromkeys(taken, "")
    return dict(list(told.items())[-CHANGES_KEPT:])


async def _items(store: BaseStore, namespace: Namespace) -> list[Item]:
    found = await store.asearch(namespace, limit=ALL, refresh_ttl=False)
    return [item for item in found if item.namespace == namespace]
