"""Fork a thread in the store: the new thread gets its own copy of the messages until then."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, PutOp

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.stored_messages import index_of
from threadkeep.knowledge.stored_thread_items import read_stored_thread
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import messages_of, notes_of, threads_of

COPIED_FIELDS = (
    "begins_at",
    "context",
    "corrected",
    "created",
    "metadata",
    "state",
    "title",
    "ttl_minutes",
)
"""Of the record of a thread."""


async def fork_stored_thread(
    store: BaseStore, owner: str, source: str, values: Mapping[str, Any], target: str, name: str
) -> None:
    """Copy the messages up to the state `values` of the thread `source` to a new thread.

    The fork is inactive until its first turn, so that memory stays on the branch of `source`.

    Raises:
        BadInput: there is no thread `source`, or the name of the new one is taken.
    """
    item = await store.aget(threads_of(owner), source)
    if item is None:
        raise BadInput("There is no such thread to fork; see threadkeep threads list.")
    if await store.aget(threads_of(owner), target) is not None:
        raise BadInput(f"There is a thread {name!r} already; fork to a name that is not taken.")
    head, stored = head_of(values), await read_stored_thread(store, owner, source)
    stored.switch_to(head, int(item.value.get("begins_at") or 0))
    record = {key: value for key, value in item.value.items() if key in COPIED_FIELDS}
    ttl = ttl_of(store, record)
    family = str(item.value.get("family") or source)
    record |= {
        "name": name,
        "forked_from": source,
        "family": family,
        "active": False,
        "last_used": now().isoformat(),
        "turns": sum(value.get("role") == "user" for _, value in stored.active),
        "last_message": head.through,
    }
    source_record = {**item.value, "family": family, "active": item.value.get("active", True)}
    messages, notes = messages_of(owner, target), notes_of(owner, target)
    ops = [
        PutOp(messages, key, {**value, "thread": target}, index=index_of(value), ttl=ttl)
        for key, value in stored.active
    ]
    ops += [PutOp(notes, key, note, ttl=ttl) for key, note in stored.notes.items()]
    ops.append(PutOp(threads_of(owner), target, record, index=False, ttl=ttl))
    ops.append(PutOp(threads_of(owner), source, source_record, index=False, ttl=ttl))
    await store.abatch(ops)
