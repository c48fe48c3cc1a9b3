"""Items of one namespace a page at a time, for whoever reads more than memory holds."""

from collections.abc import AsyncIterator, Sequence

from langgraph.store.base import BaseStore, GetOp, Item

from stores.hybrid import HybridStore
from stores.namespaces import Namespace

PAGE = 200
ALL = 1_000_000
"""Of a store without pages of its own: LangGraph's order by the second, which many items share."""


async def list_namespaces(store: BaseStore, owner: str) -> list[Namespace]:
    """Return the namespaces below a user's key."""
    return sorted(await store.alist_namespaces(prefix=(owner,), limit=ALL))


async def count_items(store: BaseStore, namespace: Namespace) -> int:
    """Return how many items stand in exactly this namespace."""
    if isinstance(store, HybridStore):
        return await store.items.count(namespace)
    return sum([1 async for _ in items_in(store, namespace)])


async def items_in(store: BaseStore, namespace: Namespace) -> AsyncIterator[Item]:
    """Yield the items of exactly this namespace, by key."""
    if not isinstance(store, HybridStore):
        found = await store.asearch(namespace, limit=ALL, refresh_ttl=False)
        for each in sorted(found, key=lambda each: each.key):
            if each.namespace == namespace:
                yield each
        return
    after = ""
    while page := await store.items.page(namespace, after, PAGE):
        for item in page:
            yield item
        after = page[-1].key


async def items_by_key(
    store: BaseStore, namespace: Namespace, keys: Sequence[str]
) -> AsyncIterator[Item]:
    """Yield the items of these keys in their order; what is gone by now is left out."""
    for start in range(0, len(keys), PAGE):
        ops = [GetOp(namespace, key, refresh_ttl=False) for key in keys[start : start + PAGE]]
        for item in await store.abatch(ops):
            if isinstance(item, Item):
                yield item
