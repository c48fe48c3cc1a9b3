"""A change of embeddings: vectors of two models never mix; a background task rebuilds them."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import chroma_server, environ_of
from tests.vectors.tiny_model import tiny_model
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.indexing import EMBEDDER

NAMESPACE = ("owner", "messages", "thread")
KILLED_WHILE_INDEXING = """
import asyncio, os, signal
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store
from threadkeep.stores.indexing import Indexing

async def main():
    async with open_store(Settings()) as store:
        store.warm()
        await store._wait_for_vectors()
        await store.index_pending(lambda done, total: os.kill(os.getpid(), signal.SIGKILL))

asyncio.run(main())
"""

INDEX_ALL = """
import asyncio
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store

async def main():
    async with open_store(Settings()) as store:
        await store.index_pending()
        assert store.indexing.complete

asyncio.run(main())
"""


@pytest.fixture
def minilm_settings(home: Settings, tmp_path: Path) -> Settings:
    return home.model_copy(update={"embeddings": f"minilm:{tiny_model(tmp_path)}"})


async def fill(settings: Settings, count: int = 3) -> None:
    texts = ["My puppy barks at cats.", "The tax office wrote.", "The dogs at my office."]
    async with open_store(settings) as store:
        for number in range(count):
            value = {"text": texts[number % 3], "role": "user", "position": number}
            await store.aput(NAMESPACE, str(number), value)
        await store.index_pending()


async def nearest(store: HybridStore, query: str) -> dict[int, float]:
    return await store.vectors.search("owner", query, 1)


async def test_a_change_of_embeddings_is_detected_and_every_item_is_reindexed(
    home: Settings, minilm_settings: Settings
) -> None:
    await fill(home)
    async with open_store(minilm_settings) as store:
        progress: list[tuple[int, int]] = []
        await store.index_pending(lambda *numbers: progress.append(numbers))
        assert store.indexing.complete
        assert store.notice == ""
        (nearness,) = (await nearest(store, "the tax office wrote.")).values()
        assert nearness == pytest.approx(1.0, abs=0.01)
        record = await store.internal.aget(*EMBEDDER)
        assert record is not None
        assert record.value["whole"] is True


async def test_a_search_uses_words_while_vectors_are_rebuilt(
    home: Settings, minilm_settings: Settings
) -> None:
    await fill(home)
    async with open_store(minilm_settings) as store:
        await store.vectors.open()
        assert not store.indexing.complete
        items = await store.asearch(NAMESPACE, query="the tax office", limit=1)
        assert [item.key for item in items] == ["1"]


async def test_reindexing_continues_after_a_kill(home: Settings, minilm_settings: Settings) -> None:
    await fill(home, 90)
    environ = environ_of(minilm_settings) | {"THREADKEEP_EMBEDDINGS": minilm_settings.embeddings}
    process = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_INDEXING], env=environ, check=False
    )
    assert process.returncode == -9
    async with open_store(minilm_settings) as store:
        pending = await store.index.count_pending()
        assert 0 < pending < 90
        await store.index_pending()
        assert await store.index.count_pending() == 0
        assert store.indexing.complete


async def test_a_return_to_static_embeddings_mixes_no_vectors(
    home: Settings, minilm_settings: Settings
) -> None:
    await fill(home)
    await fill(minilm_settings)
    async with open_store(home) as store:
        await store.index_pending()
        assert store.indexing.complete
        assert len(await nearest(store, "dogs and kittens")) == 1


# Chroma's client does not close its connection; the garbage collector does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("chroma_may_leave_its_sockets")
async def test_two_processes_with_different_embeddings_never_mix_vectors(
    home: Settings, minilm_settings: Settings, tmp_path: Path
) -> None:
    with chroma_server(tmp_path / "chroma-server") as url:
        static_on_server, minilm_on_server = (
            settings.model_copy(update={"chroma_url": url}) for settings in (home, minilm_settings)
        )
        await fill(static_on_server)
        async with open_store(static_on_server) as store:
            await store.index_pending()
            environ = environ_of(minilm_on_server) | {
                "THREADKEEP_EMBEDDINGS": minilm_on_server.embeddings
            }
            command = [sys.executable, "-c", INDEX_ALL]
            process = await asyncio.to_thread(subprocess.run, command, env=environ, check=True)
            assert process.returncode == 0
            await store.aput(NAMESPACE, "new", {"text": "kittens", "role": "user"})
            await store.index_pending()
            assert not store.indexing.complete
            assert "Another process indexes" in store.notice
            assert await store.asearch(NAMESPACE, query="kittens", limit=1)
        async with open_store(minilm_on_server) as store:
            await store.index_pending()
            assert (await nearest(store, "kittens")).popitem()[1] == pytest.approx(1.0)


async def test_the_doctor_reports_which_embeddings_made_the_vectors(
    home: Settings, minilm_settings: Settings
) -> None:
    await fill(home)
    environ = environ_of(minilm_settings) | {"THREADKEEP_EMBEDDINGS": minilm_settings.embeddings}
    command = [
        sys.executable,
        "-c",
        "from threadkeep.cli.app import main; main()",
        "doctor",
        "--json",
    ]
    process = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    rows = {row["check"]: row for row in map(json.loads, process.stdout.splitlines())}
    assert rows["vectors"]["said"].endswith("made with minilm")


def test_a_wrong_model_path_is_one_sentence_in_the_terminal(home: Settings) -> None:
    environ = environ_of(home) | {"THREADKEEP_EMBEDDINGS": "minilm:/no/such/folder"}
    command = [
        sys.executable,
        "-c",
        "from threadkeep.cli.app import main; main()",
        "ask",
        "-u",
        "ada",
        "Hi",
    ]
    process = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert process.returncode == 1 or process.returncode == 2
    assert "'/no/such/folder' holds no 'model.onnx'" in process.stderr
    assert "Traceback" not in process.stderr
