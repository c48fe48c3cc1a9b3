"""Give a thread that is forked its own copy of what was said until then."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, PutOp

from threadkeep.base.clock import now
from threadkeep.base.errors import BadInput
from threadkeep.knowledge.branch_head import head_of
from threadkeep.knowledge.stored_thread_items import read_stored_thread
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.namespaces import messages_of, notes_of, threads_of

SHARED = (
    "begins_at",
    "context",
    "corrected",
    "created",
    "metadata",
    "state",
    "title",
    "ttl_minutes",
)


async def fork_stored_thread(
    store: BaseStore, user: str, source: str, values: Mapping[str, Any], target: str, name: str
) -> None:
    """Copy the messages up to the state `values` of one thread to another, which is then used.

    Raises:
        BadInput: there is no such thread, or there is one of the new name.
    """
    found, taken = (
        await store.aget(threads_of(user), source),
        await store.aget(threads_of(user), target),
    )
    if found is None:
        raise BadInput("There is no such thread to fork; see threadkeep threads list.")
    if taken is not None:
        raise BadInput(f"There is a thread {name!r} already; fork to a name that is not taken.")
    head, kept = head_of(values), await read_stored_thread(store, user, source)
    kept.switch_to(head, int(found.value.get("begins_at") or 0))
    record = {key: value for key, value in found.value.items() if key in SHARED}
    ttl = ttl_of(store, record)
    family = str(found.value.get("family") or source)
    record |= {
        "name": name,
        "forked_from": source,
        "family": family,
        "active": False,
        "last_used": now().isoformat(),
        "turns": sum(value.get("role") == "user" for _, value in kept.active),
        "last_message": head.through,
    }
    active = found.value.get("active", True)
    ops = [
        PutOp(messages_of(user, target), key, {**value, "thread": target}, ttl=ttl)
        for key, value in kept.active
    ]
    ops += [PutOp(notes_of(user, target), key, note, ttl=ttl) for key, note in kept.notes.items()]
    ops.append(PutOp(threads_of(user), target, record, index=False, ttl=ttl))
    of_family = {**found.value, "family": family, "active": active}
    ops.append(PutOp(threads_of(user), source, of_family, index=False, ttl=ttl))
    await store.abatch(ops)
