"""Read the items of a namespace in pages, for callers that read more than fits into memory."""

from collections.abc import AsyncIterator, Sequence

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.namespaces import Namespace
from threadkeep.stores.sqlite_items import Row

PAGE = 200
ALL = 1_000_000
"""A limit for stores without pages: LangGraph orders by the second, which many items share."""


async def list_namespaces(store: BaseStore, owner: str = "") -> list[Namespace]:
    """Return the namespaces of an owner, by default of all owners."""
    prefix = (owner,) if owner else None
    return sorted(await store.alist_namespaces(prefix=prefix, limit=ALL))


async def count_items(store: BaseStore, namespace: Namespace) -> int:
    """Return the number of items in exactly this namespace."""
    if isinstance(store, HybridStore):
        return await store.items.count(namespace)
    return sum([1 async for _ in items_in(store, namespace)])


async def items_in(store: BaseStore, namespace: Namespace) -> AsyncIterator[Item]:
    """Yield the items of exactly this namespace, by key."""
    if isinstance(store, HybridStore):
        async for page in pages_in(store, namespace):
            for row in page:
                yield row.item
        return
    items = await store.asearch(namespace, limit=ALL, refresh_ttl=False)
    for item in sorted(items, key=lambda item: item.key):
        if item.namespace == namespace:
            yield item


async def pages_in(store: HybridStore, namespace: Namespace) -> AsyncIterator[list[Row]]:
    """Yield the rows of exactly this namespace, by key, a page at a time."""
    after = ""
    while page := await store.items.page(namespace, after, PAGE):
        yield page
        after = page[-1].item.key


async def items_by_key(
    store: BaseStore, namespace: Namespace, keys: Sequence[str]
) -> AsyncIterator[Item]:
    """Yield the items of these keys in their order; deleted ones are left out."""
    for start in range(0, len(keys), PAGE):
        ops = [GetOp(namespace, key, refresh_ttl=False) for key in keys[start : start + PAGE]]
        for item in await store.abatch(ops):
            if isinstance(item, Item):
                yield item
