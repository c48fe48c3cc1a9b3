"""What is being forgotten, or was when a process died: ids alone, beside everybody's items."""

from langgraph.store.base import BaseStore

from threadkeep.stores.namespaces import SECRET, Namespace

INTENTS: Namespace = (*SECRET[0], "erasures")


async def has_erasures(store: BaseStore) -> bool:
    """Tell whether an erasure was begun and is not finished."""
    return bool(await store.asearch(INTENTS, limit=1, refresh_ttl=False))
