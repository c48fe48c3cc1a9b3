"""A Chroma server serves several processes, and several stores, at once."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.backends import chroma_server, environ_of, fresh_database
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store

WORKER = """
import asyncio, sys
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store
async def main():
    async with open_store(Settings()) as store:
        for number in range(20):
            await store.aput(("ada", sys.argv[1]), str(number), {"text": f"A parrot {number}"})
        await store.index_pending()
        assert not store.notice, store.notice
asyncio.run(main())
"""


pytestmark = pytest.mark.usefixtures("chroma_may_leave_its_sockets")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma")) as url:
        yield url


async def test_several_processes_share_postgres_and_a_chroma_server(
    server: str, tmp_path: Path
) -> None:
    async with fresh_database("postgres") as url:
        settings = Settings(
            home=tmp_path / "home", checkpoints=parse_database(url), chroma_url=server
        )
        create_data_folder(settings)
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER, str(number)], env=environ_of(settings))
            for number in range(3)
        ]
        assert [worker.wait(120) for worker in workers] == [0, 0, 0]
        async with open_store(settings) as store:
            await store.index_pending()
            assert await store.index.count_pending() == 0
            nearness = await store.vectors.search("ada", "parrot", 100)
            items = await store.asearch(("ada",), query="parrot", limit=100)
            assert len(nearness) == len(items) == 60
            await store.adelete(("ada", "0"), "0")
            await store.index_pending()
            assert len(await store.vectors.search("ada", "parrot", 100)) == 59


async def test_reindexing_one_store_keeps_the_vectors_of_another(
    server: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "1", chroma_url=server)
    create_data_folder(settings)
    async with (
        open_store(settings) as store,
        open_store(settings.model_copy(update={"home": tmp_path / "2"})) as other,
    ):
        for opened_store in (store, other):
            await opened_store.aput(("ada", "x"), "k", {"text": "A parrot"})
            await opened_store.index_pending()
        await store.reindex()
        assert len(await other.vectors.search("ada", "parrot", 10)) == 1
        assert len(await store.vectors.search("ada", "parrot", 10)) == 1


async def test_without_a_reachable_server_a_search_uses_words(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", chroma_url="http://127.0.0.1:1")
    create_data_folder(settings)
    async with open_store(settings) as store:
        await store.aput(("ada", "x"), "k", {"text": "A parrot"})
        items = await store.asearch(("ada",), query="parrot")
        assert [item.key for item in items] == ["k"]
        await store.index_pending()
        assert "Chroma server 'http://127.0.0.1:1' cannot be used" in store.notice


async def test_a_restarted_server_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.stores.hybrid.REOPEN_SECONDS", 0.2)
    folder = tmp_path / "server"
    folder.mkdir()
    with chroma_server(folder) as url:
        pass
    settings = Settings(home=tmp_path / "home", chroma_url=url)
    create_data_folder(settings)
    async with open_store(settings) as store:
        await store.aput(("ada", "x"), "k", {"text": "A parrot"})
        await store.index_pending()
        assert "cannot be used" in store.notice
        with chroma_server(folder, urlsplit(url).port or 0):
            async with asyncio.timeout(30):
                while store.notice:  # noqa: ASYNC110  (the server decides when)
                    await asyncio.sleep(0.1)
                while not await store.vectors.search("ada", "parrot", 10):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            # The server stops again: a search uses words, and nothing is raised.
        await store.aput(("ada", "x"), "l", {"text": "A second parrot"})
        assert await store.vectors.search("ada", "parrot", 10) == {}
        assert len(await store.asearch(("ada",), query="parrot")) == 2
        assert "cannot be used" in store.notice
