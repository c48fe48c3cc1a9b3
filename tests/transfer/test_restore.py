"""A restore brings everything back: on every backend, for another user, once or twice."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.data_folder import create_data_folder
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.search import memory_indexes
from threadkeep.stores.namespaces import all_messages_of, facts_of, user_key
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.restore import RestoreResult, restore_export

TEXTS = [
    "I live in Bergen.",
    "I moved to Oslo.",
    "My sister Miriam moved to Lisbon in March and keeps two parrots.",
    "My dog is called Bruno.",
    "I work at Equinor.",
    "The door code is 4711.",
    "Ingrid is married to Tom.",
]
QUESTIONS = ["Where do I live?", "Where does my sister live?", "What is the door code?"]
ADA = Context(user_id="ada", model="offline")
texts = st.sampled_from(TEXTS) | st.text(min_size=1, max_size=40).filter(
    lambda text: bool(text.replace("\0", "").strip())
)
conversations = st.lists(
    st.tuples(st.sampled_from(["trip", "work", "a.b/c"]), texts), min_size=1, max_size=4
)


@pytest.fixture(autouse=True, scope="module")
def _wait_for_index() -> Iterator[None]:
    """Let searches wait for the index in memory, so that both memories use the same index."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_indexes, "LOAD_TIMEOUT", 60.0)
        yield


@asynccontextmanager
async def open_backend(kind: str) -> AsyncIterator[Memory]:
    with TemporaryDirectory() as folder:
        async with fresh_database(kind) as url:
            settings = Settings(home=Path(folder), model="offline", checkpoints=parse_database(url))
            create_data_folder(settings)
            async with open_memory(settings) as memory:
                yield memory


async def say(memory: Memory, user: str, thread: str, text: str) -> str:
    turn = await memory.say(text, thread=thread, context={"model": "offline"}, user_id=user)
    await turn.finished()
    return turn.reply


async def export(memory: Memory, user: str, thread: str | None = None) -> bytes:
    with acting_as(user):
        lines = export_user(memory.opened, user, thread=thread)
        return "".join([line async for line in lines]).encode()


async def restore(memory: Memory, user: str, data: bytes) -> RestoreResult:
    file = io.BytesIO(data)
    with acting_as(user):
        return await restore_export(memory.opened, file, validate_export(file, "x"), user)


async def interrupt_restore(memory: Memory, user: str, data: bytes, batches: int) -> None:
    """Cancel a restore after a number of batches."""
    file, remaining = io.BytesIO(data), iter(range(1, batches))
    reached = asyncio.Event()

    def progress(*_: int) -> None:
        if next(remaining, None) is None:
            reached.set()

    with acting_as(user):
        work = asyncio.create_task(
            restore_export(memory.opened, file, validate_export(file, "x"), user, progress=progress)
        )
    await reached.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def normalised(data: bytes) -> list[dict[str, Any]]:
    """Return the records of an export in a fixed order, with thread names instead of ids."""
    records = [json.loads(line) for line in data.splitlines()][1:-1]
    names = {
        record["id"]: record["value"]["name"] for record in records if record["kind"] == "thread"
    }
    text = json.dumps(records)
    for thread, name in names.items():
        text = text.replace(thread, f"thread {name}")
    return sorted(json.loads(text), key=lambda record: json.dumps(record, sort_keys=True))


async def search_all(memory: Memory, user: str) -> list[list[str]]:
    """Return the texts that searches find, without scores: those depend on the order of writes."""
    owner = await user_key(memory.opened.store, user)
    results = []
    for question in QUESTIONS:
        for place in (all_messages_of(owner), facts_of(owner)):
            items = await memory.opened.store.asearch(place, query=question, limit=50)
            results.append(sorted(item.value["text"] for item in items))
    return results


@pytest.mark.parametrize("kind", BACKENDS)
@hypothesis_settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(turns=conversations)
def test_search_and_answers_are_the_same_after_a_restore(
    kind: str, turns: list[tuple[str, str]]
) -> None:
    async def check() -> None:
        async with open_backend("sqlite") as source, open_backend(kind) as target:
            for thread, text in turns:
                await say(source, "ada", thread, text)
            data = await export(source, "ada")
            result = await restore(target, "bob", data)
            assert result.new == result.messages == 2 * len(turns)
            assert normalised(await export(target, "bob")) == normalised(data)
            assert await search_all(target, "bob") == await search_all(source, "ada")
            for question in QUESTIONS[:2]:
                for thread in (turns[0][0], "new"):
                    answer = await say(source, "ada", thread, question)
                    assert await say(target, "bob", thread, question) == answer

    asyncio.run(check())


@pytest.mark.parametrize("kind", BACKENDS)
async def test_restoring_twice_changes_nothing_more(kind: str) -> None:
    async with open_backend(kind) as memory:
        for thread, text in [("trip", TEXTS[0]), ("trip", TEXTS[1]), ("work", TEXTS[2])]:
            await say(memory, "ada", thread, text)
        data = await export(memory, "ada")
        for user in ("ada", "bob"):
            await restore(memory, user, data)
            once = normalised(await export(memory, user))
            again = await restore(memory, user, data)
            assert (again.new, again.changed) == (0, 0)
            assert normalised(await export(memory, user)) == once == normalised(data)


async def test_messages_after_the_export_stay(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", TEXTS[0])
        data = await export(memory, "ada")
        await say(memory, "ada", "trip", TEXTS[1])
        before = normalised(await export(memory, "ada"))
        await restore(memory, "ada", data)
        assert normalised(await export(memory, "ada")) == before
        assert "Oslo" in await say(memory, "ada", "trip", QUESTIONS[0])


async def test_a_thread_that_continued_elsewhere_is_updated(home: Settings) -> None:
    async with open_memory(home) as memory, open_backend("sqlite") as other:
        await say(memory, "ada", "trip", TEXTS[0])
        await restore(other, "ada", await export(memory, "ada"))
        await say(other, "ada", "trip", TEXTS[1])
        later = await export(other, "ada")
        result = await restore(memory, "ada", later)
        assert result.new == 2
        assert normalised(await export(memory, "ada")) == normalised(later)


async def test_another_thread_of_the_same_name_is_renamed(
    home: Settings,
) -> None:
    async with open_memory(home) as memory, open_backend("sqlite") as other:
        await say(memory, "ada", "trip", TEXTS[0])
        await say(other, "ada", "trip", TEXTS[5])
        data = await export(other, "ada")
        for new in (2, 0):
            result = await restore(memory, "ada", data)
            assert (result.new, result.renamed) == (new, {"trip": "trip (2)"})
        names = [
            record["value"]["name"]
            for record in normalised(await export(memory, "ada"))
            if record["kind"] == "thread"
        ]
        assert sorted(names) == ["trip", "trip (2)"]
        assert "4711" in await say(memory, "ada", "trip (2)", QUESTIONS[2])


async def test_an_interrupted_restore_is_completed_by_repeating_it(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.transfer.restore.BATCH", 3)
    async with open_memory(home) as memory:
        for thread, text in zip(["trip", "work", "trip"], TEXTS, strict=False):
            await say(memory, "ada", thread, text)
        data = await export(memory, "ada")
        for chunks in range(1, 9):
            user = f"user{chunks}"
            await interrupt_restore(memory, user, data, chunks)
            await restore(memory, user, data)
            assert normalised(await export(memory, user)) == normalised(data)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_abandoned_branches_are_restored_and_can_be_used_again(kind: str) -> None:
    async with open_backend("sqlite") as source, open_backend(kind) as target:
        await say(source, "ada", "trip", TEXTS[0])
        await source.fork("trip", "other", user_id="ada")
        await say(source, "ada", "other", TEXTS[1])
        await say(source, "ada", "other", TEXTS[5])
        await source.undo("other", user_id="ada")
        data = await export(source, "ada")
        assert [record["kind"] for record in normalised(data)].count("abandoned") == 2
        for _ in range(2):
            await restore(target, "ada", data)
            assert normalised(await export(target, "ada")) == normalised(data)
        assert "4711" not in await say(target, "ada", "new", QUESTIONS[2])
        for memory in (source, target):
            assert "Oslo" in await say(memory, "ada", "new", QUESTIONS[0])
            assert "Bergen" in await say(memory, "ada", "trip", QUESTIONS[0])
            assert "Oslo" not in await say(memory, "ada", "new", QUESTIONS[0])


async def test_an_undone_message_is_not_restored(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", TEXTS[0])
        await say(memory, "ada", "trip", TEXTS[1])
        data = await export(memory, "ada")
        await memory.undo("trip", user_id="ada")
        undone = normalised(await export(memory, "ada"))
        await restore(memory, "ada", data)
        assert normalised(await export(memory, "ada")) == undone
        assert "Oslo" not in await say(memory, "ada", "new", QUESTIONS[0])


async def test_only_the_acting_user_can_restore_into_their_memory(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", TEXTS[0])
        file = io.BytesIO(await export(memory, "ada"))
        summary = validate_export(file, "x")
        with acting_as("bob"), pytest.raises(AccessRefused):
            await restore_export(memory.opened, file, summary, "ada")
        with pytest.raises(AccessRefused, match="Nobody is asking"):
            await restore_export(memory.opened, file, summary, "ada")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_corrections_and_pins_are_restored(kind: str) -> None:
    async with open_backend("sqlite") as source, open_backend(kind) as target:
        await say(source, "ada", "trip", "I live in Bergen.")
        await say(source, "ada", "trip", "My sister Miriam moved to Lisbon in March 2026.")
        before = await export(source, "ada")
        owner = await user_key(source.opened.store, "ada")
        (message,) = [
            item.key
            for item in await source.opened.store.asearch(all_messages_of(owner), limit=10)
            if item.value["text"] == "I live in Bergen."
        ]
        (fact,) = [
            item.key
            for item in await source.opened.store.asearch(facts_of(owner), limit=10)
            if item.value["text"].startswith("Miriam lives in")
        ]
        # A message that was restored before its correction gets the correction.
        await restore(target, "bob", before)
        await source.correct(message, "I live in Oslo.", user_id="ada")
        await source.correct(fact, "Porto", user_id="ada")
        await source.pin(message, user_id="ada")
        await source.pin(fact, user_id="ada")
        data = await export(source, "ada")
        for _ in range(2):
            await restore(target, "bob", data)
        assert normalised(await export(target, "bob")) == normalised(data)
        pinned = [record["text"] for record in await target.pins(user_id="bob")]
        assert pinned == ["I live in Oslo.", "Miriam lives in Porto (since 2026-03)"]
        wordings = await target.history(message, user_id="bob")
        assert [record["text"] for record in wordings] == ["I live in Bergen.", "I live in Oslo."]
        assert "Oslo" in await say(target, "bob", "trip", "Where do I live?")
        # An older export changes nothing.
        assert (await restore(target, "bob", before)).changed == 0
        assert [e["text"] for e in await target.pins(user_id="bob")] == pinned
        # The export of a thread has the corrections of its facts.
        assert b'"correction"' in await export(source, "ada", "trip")


async def test_an_undone_message_stays_undone_when_it_was_corrected_elsewhere(
    home: Settings,
) -> None:
    async with open_backend("sqlite") as source, open_memory(home) as target:
        await say(source, "ada", "trip", "Hello.")
        await say(source, "ada", "trip", "I live in Bergen.")
        await restore(target, "ada", await export(source, "ada"))
        await target.undo("trip", user_id="ada")
        owner = await user_key(source.opened.store, "ada")
        (message,) = [
            item.key
            for item in await source.opened.store.asearch(all_messages_of(owner), limit=10)
            if item.value["text"] == "I live in Bergen."
        ]
        await source.correct(message, "I live in Oslo.", user_id="ada")
        await restore(target, "ada", await export(source, "ada"))
        assert "Oslo" not in await say(target, "ada", "other", "Where do I live?")
