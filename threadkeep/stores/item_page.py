"""Read the requested page of the items that a search without a query goes through."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from langgraph.store.base import Item, SearchItem, SearchOp

from threadkeep.search.filters import matches_filter

RefreshTTL = Callable[[Sequence[tuple[tuple[str, ...], str]]], Awaitable[None]]


async def read_page(
    op: SearchOp, rows: AsyncGenerator[tuple[Item, bool]], refresh_ttl: RefreshTTL
) -> list[SearchItem]:
    """Return the page of `op` of all items in its namespace, each with whether it expires.

    Without a filter the rows are those of the page already.
    """
    page: list[SearchItem] = []
    expiring = []
    skip = op.offset if op.filter else 0
    async with aclosing(rows):
        async for item, expires in rows:
            if len(page) >= op.limit:
                break
            if op.filter and not matches_filter(item.value, op.filter):
                continue
            if skip:
                skip -= 1
                continue
            page.append(_search_item(item))
            if expires:
                expiring.append((item.namespace, item.key))
    if expiring and op.refresh_ttl:
        await refresh_ttl(expiring)
    return page


def _search_item(item: Item) -> SearchItem:
    return SearchItem(
        namespace=item.namespace,
        key=item.key,
        value=item.value,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
