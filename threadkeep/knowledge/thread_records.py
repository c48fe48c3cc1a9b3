"""The record of a thread in the store: name, creation, last use, number of turns."""

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.store.base import BaseStore

from threadkeep.graph.state import State
from threadkeep.knowledge.branch_head import has_diverged, head_of
from threadkeep.knowledge.branch_sync import follow_branch
from threadkeep.knowledge.stored_messages import StoredMessage
from threadkeep.stores.namespaces import messages_of, threads_of
from threadkeep.stores.pages import ALL


async def current_record(store: BaseStore, owner: str, thread: str, state: State) -> dict[str, Any]:
    """Return the thread's record, after its messages follow the branch of the state."""
    record = await _read(store, owner, thread)
    if has_diverged(record, head := head_of(vars(state))):
        await follow_branch(store, owner, thread, head)
        record = await _read(store, owner, thread)
    if record.get("turns") and record.get("last_message") is None:
        # The thread was imported: its messages come first, on every branch.
        record["begins_at"] = len(
            await store.asearch(messages_of(owner, thread), limit=ALL, refresh_ttl=False)
        )
    return record


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
