"""Forgetting a user: nothing of theirs is left, and nothing of anybody else's is touched."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.backends import BACKENDS, fresh_database
from tests.erase.helpers import grep, import_talk, kept_of, say, words
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused, BadInput, ThreadBusy
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.erasing import count_checkpoints
from threadkeep.erase.erase import erase, plan_erasure
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import thread_id, user_key

ADA, USER = Context(user_id="ada"), Target(kind="user")
TOLD = (
    "The vault opens with tulip-4711.",
    'My sister Miriam lives in "Lisböa" and keeps two parrots.',
    "Where does Miriam live?",
)


@pytest_asyncio.fixture(params=BACKENDS)
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memory]:
    async with fresh_database(request.param) as url:
        settings = Settings(home=tmp_path, model="offline", checkpoints=parse_database(url))
        async with open_memory(settings) as opened:
            yield opened


async def test_a_user_is_gone_everywhere_and_the_others_have_all_they_had(memory: Memory) -> None:
    await say(memory, "ada", "trip", *TOLD)
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "ada", "fork", "I moved to Reykjavik.")
    await memory.undo("fork", user_id="ada")
    await say(memory, "bob", "trip", "I live in Bergen.", "The vault is painted green.")
    await memory.opened.store.index_pending()
    before, home = await kept_of(memory, "bob"), memory.settings.home
    owner = await user_key(memory.opened.store, "ada")
    receipt = await memory.forget(USER, verify=True, user_id="ada")
    assert receipt.clean, receipt.found
    assert receipt.removed["messages"] > 0
    assert receipt.removed["checkpoints"] > 0
    for text in ("tulip-4711", "Miriam", "Lisböa", "Reykjavik", "parrots", owner):
        assert grep(home, text) == [], text
    assert await kept_of(memory, "bob") == before
    assert "Bergen" in await say(memory, "bob", "other", "Where do I live?")
    with pytest.raises(BadInput, match="Nothing is kept of user 'ada'"):
        await memory.forget(USER, user_id="ada")
    reply = await say(memory, "ada", "trip", "Where does Miriam live?")
    assert "Lisb" not in reply
    assert len(await kept_of(memory, "ada")) < 10


async def test_what_is_not_proven_is_said_for_every_backend(memory: Memory) -> None:
    await say(memory, "ada", "trip", *TOLD)
    receipt = await memory.forget(USER, user_id="ada")
    told = " ".join(receipt.not_proven)
    assert "provider" in told
    assert "backups" in told
    kinds = {memory.settings.checkpoint_database.kind, memory.settings.item_database.kind}
    assert ("PostgreSQL" in told) == ("postgres" in kinds)
    assert ("Redis" in told) == ("redis" in kinds)
    assert "--verify reads the files too" in "\n".join(receipt.lines())


async def test_a_user_is_forgotten_by_themselves_alone(memory: Memory) -> None:
    await say(memory, "ada", "trip", *TOLD)
    before = await kept_of(memory, "ada")
    with pytest.raises(AccessRefused):
        await erase(memory.opened, "ada", USER)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await erase(memory.opened, "ada", USER)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await plan_erasure(memory.opened, "ada", USER)
    assert await kept_of(memory, "ada") == before


async def test_a_turn_under_way_is_waited_for_and_nothing_is_half_done(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(memory, "ada", "trip", *TOLD)
    before = await kept_of(memory, "ada")
    thread = thread_id(await user_key(memory.opened.store, "ada"), "trip")
    locks = memory.opened.locks.acquire

    def impatient(thread: str, name: str, *, wait: float = 0.2) -> object:
        return locks(thread, name, wait=min(wait, 0.2))

    async with locks(thread, "trip"):
        monkeypatch.setattr(memory.opened.locks, "acquire", impatient)
        with pytest.raises(ThreadBusy, match="'trip' is busy"):
            await memory.forget(USER, user_id="ada")
        with pytest.raises(ThreadBusy, match="'trip' is busy"):
            await memory.forget(Target(kind="thread", name="trip"), user_id="ada")
    assert await kept_of(memory, "ada") == before
    await say(memory, "ada", "trip", "Still here?")


@pytest.mark.parametrize("messages", [30, 3_000])
async def test_no_byte_is_left_of_a_small_or_a_large_user(tmp_path: Path, messages: int) -> None:
    settings = Settings(home=tmp_path, model="offline")
    await import_talk(settings, "ada", messages)
    await import_talk(settings, "bob", 30)
    probes = [words("ada", number) for number in range(0, messages, max(1, messages // 30))]
    for text in probes:
        assert grep(tmp_path, text), text
    async with open_memory(settings) as memory:
        before = await kept_of(memory, "bob")
        receipt = await memory.forget(USER, verify=True, user_id="ada")
        assert receipt.clean, receipt.found
        assert receipt.removed["messages"] == messages
        assert receipt.removed["vectors"] == messages
        assert await kept_of(memory, "bob") == before
        for text in probes:
            assert grep(tmp_path, text) == [], text
    for text in [*probes, "ada's Schlüssel"]:
        assert grep(tmp_path, text) == [], text
    assert grep(tmp_path, words("bob", 7))


async def test_the_vectors_of_who_is_forgotten_are_gone_and_the_others_are_found(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, model="offline")
    await import_talk(settings, "ada", 1_200)
    await import_talk(settings, "bob", 1_200)
    async with open_memory(settings) as memory:
        ada, bob = [await user_key(memory.opened.store, user) for user in ("ada", "bob")]
        await memory.opened.store.index_pending()
        mine, theirs = [await _stored(memory, owner) for owner in (ada, bob)]
        # Those in the log stand there as they are, those in the index of length 1.
        assert _holding(tmp_path / "chroma", mine) > 100
        await memory.forget(USER, user_id="ada")
        assert _holding(tmp_path / "chroma", mine) == 0
        assert _holding(tmp_path / "chroma", theirs) > 100
        assert await memory.opened.store.vectors.count(ada) == 0
        assert await memory.opened.store.vectors.count(bob) == len(theirs)
        assert await memory.opened.store.vectors.search(bob, words("bob", 4), 1)


async def test_checkpoints_apart_from_the_items_are_scrubbed_too(tmp_path: Path) -> None:
    database = parse_database(f"sqlite:///{tmp_path / 'elsewhere' / 'threads.sqlite'}")
    (tmp_path / "elsewhere").mkdir()
    settings = Settings(
        home=tmp_path / "home",
        model="offline",
        checkpoints=database,
        items=parse_database(f"sqlite:///{tmp_path / 'home' / 'items.sqlite'}"),
    )
    (tmp_path / "home").mkdir()
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", *TOLD)
        receipt = await memory.forget(USER, verify=True, user_id="ada")
        assert receipt.clean, receipt.found
        assert grep(tmp_path, "tulip-4711") == []


async def test_a_log_that_quotes_a_user_goes_and_a_file_beside_it_is_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, model="offline")
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", *TOLD)
        (tmp_path / "errors.log").write_text(f"ValueError: {TOLD[0]}")
        (tmp_path / "my-export.jsonl").write_text(TOLD[0])
        receipt = await memory.forget(USER, verify=True, user_id="ada")
        assert not (tmp_path / "errors.log").exists()
        assert not receipt.clean
        assert [each for each in receipt.found if "my-export.jsonl" in each] == receipt.found


async def test_two_who_forget_at_once_forget_once(tmp_path: Path) -> None:
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        await say(memory, "ada", "trip", *TOLD)
        done = await asyncio.gather(
            *(memory.forget(USER, user_id="ada") for _ in range(3)), return_exceptions=True
        )
        assert not [
            each
            for each in done
            if isinstance(each, Exception) and not isinstance(each, BadInput | ThreadBusy)
        ]
        assert await count_checkpoints(memory.opened.saver.saver, [thread_id("x", "trip")]) == (
            0,
            0,
        )
        assert (
            await memory.opened.store.alist_namespaces(
                prefix=(await user_key(memory.opened.store, "ada"),), limit=10
            )
            == []
        )


async def _stored(memory: Memory, owner: str) -> list[bytes]:
    """Return how the vectors of a user begin in the files."""
    import numpy as np

    vectors = memory.opened.store.vectors
    collection = vectors._chroma.client.get_collection(
        vectors._chroma.named(owner), embedding_function=None
    )
    found = await asyncio.to_thread(collection.get, include=["embeddings"])
    return [np.asarray(each[:6], dtype="<f4").tobytes() for each in found["embeddings"]]


def _holding(folder: Path, vectors: list[bytes]) -> int:
    """Return how many of the vectors stand in any file below a folder."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return sum(any(vector in data for data in files) for vector in vectors)
