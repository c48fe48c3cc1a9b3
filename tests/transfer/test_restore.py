"""What was exported is all there again: on any backend, for another user, once or twice."""

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
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused
from threadkeep.base.settings import Settings, create_data_folder
from threadkeep.base.user import acting_as
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.search import memory_indexes
from threadkeep.stores.namespaces import all_messages_of, facts_of, user_key
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.restore import RestoreResult, restore_export

TOLD = [
    "I live in Bergen.",
    "I moved to Oslo.",
    "My sister Miriam moved to Lisbon in March and keeps two parrots.",
    "My dog is called Bruno.",
    "I work at Equinor.",
    "The door code is 4711.",
    "Ingrid is married to Tom.",
]
ASKED = ["Where do I live?", "Where does my sister live?", "What is the door code?"]
ADA = Context(user_id="ada", model="offline")
texts = st.sampled_from(TOLD) | st.text(min_size=1, max_size=40).filter(
    lambda text: bool(text.replace("\0", "").strip())
)
conversations = st.lists(
    st.tuples(st.sampled_from(["trip", "work", "a.b/c"]), texts), min_size=1, max_size=4
)


@pytest.fixture(autouse=True, scope="module")
def _patient() -> Iterator[None]:
    """Let searches wait for the index in memory, however slow the machine: both go by the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_indexes, "LOAD_TIMEOUT", 60.0)
        yield


@asynccontextmanager
async def opened(kind: str) -> AsyncIterator[Memory]:
    with TemporaryDirectory() as home:
        async with fresh_database(kind) as url:
            settings = Settings(home=Path(home), model="offline", checkpoints=parse_database(url))
            create_data_folder(settings)
            async with open_memory(settings) as memory:
                yield memory


async def say(memory: Memory, user: str, thread: str, text: str) -> str:
    turn = await memory.say(text, thread=thread, context={"model": "offline"}, user_id=user)
    await turn.finished()
    return turn.reply


async def exported(memory: Memory, user: str, thread: str | None = None) -> bytes:
    with acting_as(user):
        lines = export_user(memory.opened, user, thread=thread)
        return "".join([line async for line in lines]).encode()


async def restored(memory: Memory, user: str, whole: bytes) -> RestoreResult:
    file = io.BytesIO(whole)
    with acting_as(user):
        return await restore_export(memory.opened, file, validate_export(file, "x"), user)


async def stopped(memory: Memory, user: str, whole: bytes, chunks: int) -> None:
    """Stop an import when so many chunks have gone in."""
    file, left = io.BytesIO(whole), iter(range(1, chunks))
    gone_in = asyncio.Event()

    def progress(*_: int) -> None:
        if next(left, None) is None:
            gone_in.set()

    with acting_as(user):
        work = asyncio.create_task(
            restore_export(memory.opened, file, validate_export(file, "x"), user, progress=progress)
        )
    await gone_in.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def plain(whole: bytes) -> list[dict[str, Any]]:
    """What an export says, with each thread called by its name, whoever's it is."""
    records = [json.loads(line) for line in whole.splitlines()][1:-1]
    names = {each["id"]: each["value"]["name"] for each in records if each["kind"] == "thread"}
    text = json.dumps(records)
    for thread, name in names.items():
        text = text.replace(thread, f"thread {name}")
    return sorted(json.loads(text), key=lambda each: json.dumps(each, sort_keys=True))


async def recalled(memory: Memory, user: str) -> list[list[str]]:
    """What is found; scores shift a little with the order in which nodes wrote side by side."""
    owner = await user_key(memory.opened.store, user)
    found = []
    for question in ASKED:
        for place in (all_messages_of(owner), facts_of(owner)):
            items = await memory.opened.store.asearch(place, query=question, limit=50)
            found.append(sorted(item.value["text"] for item in items))
    return found


@pytest.mark.parametrize("kind", BACKENDS)
@hypothesis_settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(said=conversations)
def test_recall_and_answers_are_the_same_on_any_backend_and_for_another_user(
    kind: str, said: list[tuple[str, str]]
) -> None:
    async def check() -> None:
        async with opened("sqlite") as there, opened(kind) as here:
            for thread, text in said:
                await say(there, "ada", thread, text)
            whole = await exported(there, "ada")
            done = await restored(here, "bob", whole)
            assert done.new == done.messages == 2 * len(said)
            assert plain(await exported(here, "bob")) == plain(whole)
            assert await recalled(here, "bob") == await recalled(there, "ada")
            for question in ASKED[:2]:
                for thread in (said[0][0], "new"):
                    answer = await say(there, "ada", thread, question)
                    assert await say(here, "bob", thread, question) == answer

    asyncio.run(check())


@pytest.mark.parametrize("kind", BACKENDS)
async def test_twice_is_once(kind: str) -> None:
    async with opened(kind) as memory:
        for thread, text in [("trip", TOLD[0]), ("trip", TOLD[1]), ("work", TOLD[2])]:
            await say(memory, "ada", thread, text)
        whole = await exported(memory, "ada")
        for user in ("ada", "bob"):
            await restored(memory, user, whole)
            once = plain(await exported(memory, user))
            again = await restored(memory, user, whole)
            assert (again.new, again.changed) == (0, 0)
            assert plain(await exported(memory, user)) == once == plain(whole)


async def test_what_was_said_since_stays_and_the_thread_goes_on(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", TOLD[0])
        whole = await exported(memory, "ada")
        await say(memory, "ada", "trip", TOLD[1])
        before = plain(await exported(memory, "ada"))
        await restored(memory, "ada", whole)
        assert plain(await exported(memory, "ada")) == before
        assert "Oslo" in await say(memory, "ada", "trip", ASKED[0])


async def test_a_thread_that_went_on_elsewhere_is_brought_up_to_date(home: Settings) -> None:
    async with open_memory(home) as memory, opened("sqlite") as other:
        await say(memory, "ada", "trip", TOLD[0])
        await restored(other, "ada", await exported(memory, "ada"))
        await say(other, "ada", "trip", TOLD[1])
        later = await exported(other, "ada")
        done = await restored(memory, "ada", later)
        assert done.new == 2
        assert plain(await exported(memory, "ada")) == plain(later)


async def test_another_thread_of_the_same_name_is_told_apart_and_found_again(
    home: Settings,
) -> None:
    async with open_memory(home) as memory, opened("sqlite") as other:
        await say(memory, "ada", "trip", TOLD[0])
        await say(other, "ada", "trip", TOLD[5])
        whole = await exported(other, "ada")
        for new in (2, 0):
            done = await restored(memory, "ada", whole)
            assert (done.new, done.renamed) == (new, {"trip": "trip (2)"})
        names = [
            each["value"]["name"]
            for each in plain(await exported(memory, "ada"))
            if each["kind"] == "thread"
        ]
        assert sorted(names) == ["trip", "trip (2)"]
        assert "4711" in await say(memory, "ada", "trip (2)", ASKED[2])


async def test_stopped_anywhere_and_done_again_it_is_as_done_once(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.transfer.restore.BATCH", 3)
    async with open_memory(home) as memory:
        for thread, text in zip(["trip", "work", "trip"], TOLD, strict=False):
            await say(memory, "ada", thread, text)
        whole = await exported(memory, "ada")
        for chunks in range(1, 9):
            user = f"user{chunks}"
            await stopped(memory, user, whole, chunks)
            await restored(memory, user, whole)
            assert plain(await exported(memory, user)) == plain(whole)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_branches_that_were_left_are_taken_along_and_can_be_returned_to(kind: str) -> None:
    async with opened("sqlite") as there, opened(kind) as here:
        await say(there, "ada", "trip", TOLD[0])
        await there.fork("trip", "other", user_id="ada")
        await say(there, "ada", "other", TOLD[1])
        await say(there, "ada", "other", TOLD[5])
        await there.undo("other", user_id="ada")
        whole = await exported(there, "ada")
        assert [each["kind"] for each in plain(whole)].count("abandoned") == 2
        for _ in range(2):
            await restored(here, "ada", whole)
            assert plain(await exported(here, "ada")) == plain(whole)
        assert "4711" not in await say(here, "ada", "new", ASKED[2])
        for memory in (there, here):
            assert "Oslo" in await say(memory, "ada", "new", ASKED[0])
            assert "Bergen" in await say(memory, "ada", "trip", ASKED[0])
            assert "Oslo" not in await say(memory, "ada", "new", ASKED[0])


async def test_what_was_undone_since_does_not_come_back(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", TOLD[0])
        await say(memory, "ada", "trip", TOLD[1])
        whole = await exported(memory, "ada")
        await memory.undo("trip", user_id="ada")
        undone = plain(await exported(memory, "ada"))
        await restored(memory, "ada", whole)
        assert plain(await exported(memory, "ada")) == undone
        assert "Oslo" not in await say(memory, "ada", "new", ASKED[0])


async def test_only_the_user_who_asks_takes_in(home: Settings) -> None:
    async with open_memory(home) as memory:
        await say(memory, "ada", "trip", TOLD[0])
        file = io.BytesIO(await exported(memory, "ada"))
        summary = validate_export(file, "x")
        with acting_as("bob"), pytest.raises(AccessRefused):
            await restore_export(memory.opened, file, summary, "ada")
        with pytest.raises(AccessRefused, match="Nobody is asking"):
            await restore_export(memory.opened, file, summary, "ada")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_corrections_and_pins_are_taken_along(kind: str) -> None:
    async with opened("sqlite") as there, opened(kind) as here:
        await say(there, "ada", "trip", "I live in Bergen.")
        await say(there, "ada", "trip", "My sister Miriam moved to Lisbon in March 2026.")
        before = await exported(there, "ada")
        owner = await user_key(there.opened.store, "ada")
        (said,) = [
            item.key
            for item in await there.opened.store.asearch(all_messages_of(owner), limit=10)
            if item.value["text"] == "I live in Bergen."
        ]
        (fact,) = [
            item.key
            for item in await there.opened.store.asearch(facts_of(owner), limit=10)
            if item.value["text"].startswith("Miriam lives in")
        ]
        # What was there before the corrections gets them too.
        await restored(here, "bob", before)
        await there.correct(said, "I live in Oslo.", user_id="ada")
        await there.correct(fact, "Porto", user_id="ada")
        await there.pin(said, user_id="ada")
        await there.pin(fact, user_id="ada")
        whole = await exported(there, "ada")
        for _ in range(2):
            await restored(here, "bob", whole)
        assert plain(await exported(here, "bob")) == plain(whole)
        mine = [each["text"] for each in await here.pins(user_id="bob")]
        assert mine == ["I live in Oslo.", "Miriam lives in Porto (since 2026-03)"]
        told = await here.history(said, user_id="bob")
        assert [each["text"] for each in told] == ["I live in Bergen.", "I live in Oslo."]
        assert "Oslo" in await say(here, "bob", "trip", "Where do I live?")
        # An older export changes nothing of it.
        assert (await restored(here, "bob", before)).changed == 0
        assert [e["text"] for e in await here.pins(user_id="bob")] == mine
        # Of one thread go the corrections of what it taught.
        assert b'"correction"' in await exported(there, "ada", "trip")


async def test_a_message_undone_here_stays_so_though_it_was_corrected_there(
    home: Settings,
) -> None:
    async with opened("sqlite") as there, open_memory(home) as here:
        await say(there, "ada", "trip", "Hello.")
        await say(there, "ada", "trip", "I live in Bergen.")
        await restored(here, "ada", await exported(there, "ada"))
        await here.undo("trip", user_id="ada")
        owner = await user_key(there.opened.store, "ada")
        (said,) = [
            item.key
            for item in await there.opened.store.asearch(all_messages_of(owner), limit=10)
            if item.value["text"] == "I live in Bergen."
        ]
        await there.correct(said, "I live in Oslo.", user_id="ada")
        await restored(here, "ada", await exported(there, "ada"))
        assert "Oslo" not in await say(here, "ada", "other", "Where do I live?")
