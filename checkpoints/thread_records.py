"""Thread records: title, times, number of turns, free state and metadata of a thread."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.store.base import BaseStore, Item

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import sanitise_text

Namespace = tuple[str, ...]
NO_LIMIT = 1_000_000
"""Read all items at once: LangGraph's stores order pages by second, so pages may overlap."""
MAX_RECORD_BYTES = 32_000
MAX_TITLE_CHARACTERS = 200


async def list_records(store: BaseStore, namespace: Namespace, limit: int) -> list[Item]:
    """Return the `limit` most recently used thread records, newest first."""
    records = await store.asearch(namespace, limit=NO_LIMIT, refresh_ttl=False)
    records.sort(key=lambda record: (str(record.value.get("last_used")), record.key), reverse=True)
    return list(records[:limit])


async def newest_messages(store: BaseStore, namespace: Namespace, limit: int) -> Sequence[Item]:
    """Return the newest `limit` messages of a thread, oldest first."""
    items = await store.asearch(namespace, limit=NO_LIMIT)
    return sorted(items, key=lambda item: int(item.value["position"]))[-limit:]


async def update_record(
    store: BaseStore,
    namespace: Namespace,
    thread: str,
    *,
    title: str | None = None,
    state: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    ttl_minutes: float | None = None,
) -> dict[str, Any]:
    """Update a thread record and return it.

    `state`, `metadata` and `context` (defaults of its turns, see graph/context.py) are merged key
    by key; the value None deletes a key. Call it with the thread's lock held.

    Raises:
        BadInput: the thread does not exist, a value is not JSON, or the record is too large.
    """
    item = await store.aget(namespace, thread)
    if item is None:
        raise BadInput(f"There is no thread {thread!r} of this user.")
    record = dict(item.value)
    if title is not None:
        record["title"] = sanitise_text(title).strip()[:MAX_TITLE_CHARACTERS]
    updates = {"state": state, "metadata": metadata, "context": context}
    for name, changes in updates.items():
        if changes is not None:
            merged = {**record.get(name, {}), **changes}
            record[name] = {key: value for key, value in merged.items() if value is not None}
    if ttl_minutes is not None:
        record["ttl_minutes"] = ttl_minutes
    _check_size(record)
    await store.aput(namespace, thread, record, index=False, ttl=record.get("ttl_minutes"))
    return record


def _check_size(record: dict[str, Any]) -> None:
    try:
        size = len(json.dumps(record, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        raise BadInput(f"The state and metadata of a thread must be JSON ({error}).") from None
    if size > MAX_RECORD_BYTES:
        raise BadInput(
            f"The record of a thread would have {size:,} bytes; the limit is {MAX_RECORD_BYTES:,}. "
            "Store large values elsewhere and put a link here."
        )
