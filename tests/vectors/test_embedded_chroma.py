"""Embedded vectors after an erasure: the process that held the erased texts does not make them."""

from pathlib import Path

from threadkeep import Settings, open_store


async def test_an_erasure_deletes_the_vectors_of_all_users_until_the_next_process(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path)
    async with open_store(settings) as store:
        for owner in ("ada", "bob"):
            text = {"text": "Two parrots live in Lisbon."}
            await store.aput((owner, "messages", "t"), "1", text)
        await store.index_pending()
        assert await store.count_vectors("bob") == 1
        await store.erase_index("ada")
        await store.aput(("ada", "messages", "t"), "2", {"text": "The train leaves at nine."})
        await store.index_pending()
        assert await store.count_vectors("ada") == await store.count_vectors("bob") == 0
        for owner in ("ada", "bob"):
            assert len(await store.asearch((owner,), query="parrots")) == 1
    assert list(store.vectors.folder.iterdir()) == []
    async with open_store(settings) as store:
        await store.index_pending()
        assert await store.count_vectors("ada") == 2
        assert await store.count_vectors("bob") == 1


async def test_a_process_that_has_the_vectors_open_deletes_them_for_another(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with open_store(settings) as store, open_store(settings) as second:
        await store.aput(("ada", "messages", "t"), "1", {"text": "Two parrots live in Lisbon."})
        await store.index_pending()
        (folder,) = store.vectors.folder.iterdir()
        assert not await second.erase_index("ada")
        await second.drop_vectors([folder.name])
        assert folder.exists()
        await store.index_pending()
        assert not folder.exists()
