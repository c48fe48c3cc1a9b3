"""An expired item is never returned, swept or not; a read restarts its TTL."""

import asyncio

from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store

SHORT_TTL = 1.2 / 60
"""In minutes."""


async def test_an_item_that_has_expired_is_never_returned(home: Settings) -> None:
    async with open_store(home) as store:
        await store.aput(("ada", "x"), "short", {"text": "A parrot"}, ttl=SHORT_TTL)
        await store.aput(("ada", "y"), "long", {"text": "A parrot"}, ttl=60)
        await store.aput(("ada", "z"), "kept", {"text": "A parrot"})
        assert len(await store.asearch(("ada",), query="parrot", refresh_ttl=False)) == 3
        await asyncio.sleep(1.3)
        assert await store.aget(("ada", "x"), "short") is None
        items = await store.asearch(("ada",), query="parrot")
        assert {item.key for item in items} == {"long", "kept"}
        assert {item.key for item in await store.asearch(("ada",))} == {"long", "kept"}
        assert ("ada", "x") not in await store.alist_namespaces(prefix=("ada",))


async def test_a_read_restarts_the_ttl_unless_refresh_is_off(home: Settings) -> None:
    async with open_store(home) as store:
        for key in ("got", "found", "listed", "left", "seen"):
            await store.aput((f"u{key}", "x"), key, {"text": "A parrot"}, ttl=SHORT_TTL)
        for _ in range(4):
            await asyncio.sleep(0.5)
            assert await store.aget(("ugot", "x"), "got")
            assert await store.asearch(("ufound",), query="parrot")
            await store.asearch(("useen",), query="parrot", refresh_ttl=False)
        assert await store.aget(("uleft", "x"), "left") is None
        assert await store.aget(("useen", "x"), "seen") is None


async def test_expired_items_are_swept_when_the_store_is_opened(home: Settings) -> None:
    async with open_store(home) as store:
        for number in range(3):
            await store.aput(("ada", "x"), str(number), {"text": "A parrot"}, ttl=0.1 / 60)
    await asyncio.sleep(0.2)
    async with open_store(home) as store:
        assert await store.sweep() == 0
        assert await store.index.count("ada") == 0
