"""Erasing a user leaves nothing of them, and does not change other users."""

import asyncio
from pathlib import Path

import pytest

from tests.erase.helpers import diary_text, grep, import_diary, say, stored_records
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused, BadInput, ThreadBusy
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.erasing import count_checkpoints
from threadkeep.erase.erase import erase, plan_erasure
from threadkeep.erase.plan import Target
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.namespaces import thread_id, user_key

USER = Target(kind="user")
TEXTS = (
    "The vault opens with tulip-4711.",
    'My sister Miriam lives in "Lisböa" and keeps two parrots.',
    "Where does Miriam live?",
)


async def test_a_user_is_erased_everywhere_and_other_users_are_unchanged(memory: Memory) -> None:
    await say(memory, "ada", "trip", *TEXTS)
    await memory.fork("trip", "fork", user_id="ada")
    await say(memory, "ada", "fork", "I moved to Reykjavik.")
    await memory.undo("fork", user_id="ada")
    await say(memory, "bob", "trip", "I live in Bergen.", "The vault is painted green.")
    await memory.opened.store.index_pending()
    before, home = await stored_records(memory, "bob"), memory.settings.home
    owner = await user_key(memory.opened.store, "ada")
    receipt = await memory.forget(USER, verify=True, user_id="ada")
    assert receipt.clean, receipt.found
    assert receipt.removed["messages"] > 0
    assert receipt.removed["checkpoints"] > 0
    for text in ("tulip-4711", "Miriam", "Lisböa", "Reykjavik", "parrots", owner):
        assert grep(home, text) == [], text
    assert await stored_records(memory, "bob") == before
    assert "Bergen" in await say(memory, "bob", "other", "Where do I live?")
    with pytest.raises(BadInput, match="Nothing is kept of user 'ada'"):
        await memory.forget(USER, user_id="ada")
    reply = await say(memory, "ada", "trip", "Where does Miriam live?")
    assert "Lisb" not in reply
    assert len(await stored_records(memory, "ada")) < 10


async def test_the_receipt_names_what_cannot_be_proven_for_every_backend(memory: Memory) -> None:
    await say(memory, "ada", "trip", *TEXTS)
    receipt = await memory.forget(USER, user_id="ada")
    reasons = " ".join(receipt.not_proven)
    assert "provider" in reasons
    assert "backups" in reasons
    kinds = {memory.settings.checkpoint_database.kind, memory.settings.item_database.kind}
    assert ("PostgreSQL" in reasons) == ("postgres" in kinds)
    assert ("Redis" in reasons) == ("redis" in kinds)
    assert "--verify reads the files too" in "\n".join(receipt.lines())


async def test_only_the_acting_user_can_erase_their_memory(memory: Memory) -> None:
    await say(memory, "ada", "trip", *TEXTS)
    before = await stored_records(memory, "ada")
    with pytest.raises(AccessRefused):
        await erase(memory.opened, "ada", USER)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await erase(memory.opened, "ada", USER)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await plan_erasure(memory.opened, "ada", USER)
    assert await stored_records(memory, "ada") == before


async def test_an_open_turn_delays_an_erasure_and_nothing_is_half_done(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(memory, "ada", "trip", *TEXTS)
    before = await stored_records(memory, "ada")
    thread = thread_id(await user_key(memory.opened.store, "ada"), "trip")
    locks = memory.opened.locks.acquire

    def acquire_quickly(thread: str, name: str, *, wait: float = 0.2) -> object:
        return locks(thread, name, wait=min(wait, 0.2))

    async with locks(thread, "trip"):
        monkeypatch.setattr(memory.opened.locks, "acquire", acquire_quickly)
        with pytest.raises(ThreadBusy, match="'trip' is busy"):
            await memory.forget(USER, user_id="ada")
        with pytest.raises(ThreadBusy, match="'trip' is busy"):
            await memory.forget(Target(kind="thread", name="trip"), user_id="ada")
    assert await stored_records(memory, "ada") == before
    await say(memory, "ada", "trip", "Still here?")


@pytest.mark.parametrize("messages", [30, 3_000])
async def test_no_byte_of_a_small_or_large_user_remains_in_the_files(
    tmp_path: Path, messages: int
) -> None:
    settings = Settings(home=tmp_path, model="offline")
    await import_diary(settings, "ada", messages)
    await import_diary(settings, "bob", 30)
    probes = [diary_text("ada", number) for number in range(0, messages, max(1, messages // 30))]
    for text in probes:
        assert grep(tmp_path, text), text
    async with open_memory(settings) as memory:
        before = await stored_records(memory, "bob")
        receipt = await memory.forget(USER, verify=True, user_id="ada")
        assert receipt.clean, receipt.found
        assert receipt.removed["messages"] == messages
        assert receipt.removed["vectors"] == messages
        assert await stored_records(memory, "bob") == before
        for text in probes:
            assert grep(tmp_path, text) == [], text
    for text in [*probes, "ada's Schlüssel"]:
        assert grep(tmp_path, text) == [], text
    assert grep(tmp_path, diary_text("bob", 7))


async def test_vectors_of_the_user_are_erased_and_others_stay_searchable(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, model="offline")
    await import_diary(settings, "ada", 1_200)
    await import_diary(settings, "bob", 1_200)
    async with open_memory(settings) as memory:
        ada, bob = [await user_key(memory.opened.store, user) for user in ("ada", "bob")]
        await memory.opened.store.index_pending()
        ada_vectors, bob_vectors = [await _vector_prefixes(memory, owner) for owner in (ada, bob)]
        # Vectors in the log are stored as they are, vectors in the index with length 1.
        assert _count_in_files(tmp_path / "chroma", ada_vectors) > 100
        await memory.forget(USER, user_id="ada")
        assert _count_in_files(tmp_path / "chroma", ada_vectors) == 0
        (item,) = await memory.opened.store.asearch((bob,), query=diary_text("bob", 4), limit=1)
        assert item.value["text"] == diary_text("bob", 4)
    async with open_memory(settings) as memory:
        await memory.opened.store.index_pending()
        assert _count_in_files(tmp_path / "chroma", bob_vectors) > 100
        assert await memory.opened.store.vectors.count(ada) == 0
        assert await memory.opened.store.vectors.count(bob) == len(bob_vectors)
        assert await memory.opened.store.vectors.search(bob, diary_text("bob", 4), 1)


async def test_checkpoints_in_their_own_file_are_scrubbed_too(tmp_path: Path) -> None:
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
        await say(memory, "ada", "trip", *TEXTS)
        receipt = await memory.forget(USER, verify=True, user_id="ada")
        assert receipt.clean, receipt.found
        assert grep(tmp_path, "tulip-4711") == []


async def test_an_error_log_is_deleted_and_a_file_that_quotes_the_user_is_reported(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, model="offline")
    async with open_memory(settings) as memory:
        await say(memory, "ada", "trip", *TEXTS)
        (tmp_path / "errors.log").write_text(f"ValueError: {TEXTS[0]}")
        (tmp_path / "my-export.jsonl").write_text(TEXTS[0])
        receipt = await memory.forget(USER, verify=True, user_id="ada")
        assert not (tmp_path / "errors.log").exists()
        assert not receipt.clean
        assert [place for place in receipt.found if "my-export.jsonl" in place] == receipt.found


async def test_concurrent_erasures_of_one_user_erase_once(tmp_path: Path) -> None:
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        await say(memory, "ada", "trip", *TEXTS)
        results = await asyncio.gather(
            *(memory.forget(USER, user_id="ada") for _ in range(3)), return_exceptions=True
        )
        assert not [
            result
            for result in results
            if isinstance(result, Exception) and not isinstance(result, BadInput | ThreadBusy)
        ]
        assert await count_checkpoints(memory.opened.inner_saver, [thread_id("x", "trip")]) == (
            0,
            0,
        )
        assert (
            await memory.opened.store.alist_namespaces(
                prefix=(await user_key(memory.opened.store, "ada"),), limit=10
            )
            == []
        )


async def _vector_prefixes(memory: Memory, owner: str) -> list[bytes]:
    """Return the first bytes of a user's vectors."""
    import numpy as np

    vectors = memory.opened.store.vectors
    name = vectors._name(owner)
    client = vectors._chroma.client(name, create=False)
    collection = client.get_collection(name, embedding_function=None)
    records = await asyncio.to_thread(collection.get, include=["embeddings"])
    return [np.asarray(vector[:6], dtype="<f4").tobytes() for vector in records["embeddings"]]


def _count_in_files(folder: Path, vectors: list[bytes]) -> int:
    """Return how many of the vectors are in a file below a folder."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return sum(any(vector in data for data in files) for vector in vectors)
