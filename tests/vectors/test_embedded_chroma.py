"""After an erasure the next process rebuilds embedded vectors, not the one that had the texts."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from threadkeep import Settings, open_store
from threadkeep.stores.hybrid import HybridStore


async def drop_all(store: HybridStore) -> None:
    """Drop every folder, as a verification does when it finds erased text."""
    folders = store.vectors.folder.iterdir()
    await store.drop_vectors([path.name for path in folders if path.is_dir()])


@pytest.mark.parametrize("remove", [lambda store: store.erase_index("ada"), drop_all])
async def test_deleted_vectors_are_rebuilt_by_the_next_process(
    tmp_path: Path, remove: Callable[[HybridStore], Awaitable[object]]
) -> None:
    settings = Settings(home=tmp_path)
    async with open_store(settings) as store:
        await store.aput(("ada", "messages", "t"), "1", {"text": "Two parrots live in Lisbon."})
        await store.index_pending()
        assert await store.count_vectors("ada") == 1
        await remove(store)
        await store.aput(("ada", "messages", "t"), "2", {"text": "The train leaves at nine."})
        await store.index_pending()
        assert await store.count_vectors("ada") == 0
        assert len(await store.asearch(("ada",), query="parrots")) == 1
    assert list(store.vectors.folder.iterdir()) == []
    async with open_store(settings) as store:
        await store.index_pending()
        assert await store.count_vectors("ada") == 2
