"""Every operation of MemoryProtocol through a server's address, against both servers."""

import asyncio
import inspect
import io
import itertools
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.backends import settings_in
from tests.server.dev.running import new_server
from tests.server.http.helpers import start_servers
from threadkeep.base.errors import BadInput, RemoteServerFailed
from threadkeep.base.settings import Settings
from threadkeep.base.user import acting_as
from threadkeep.erase.plan import Target
from threadkeep.memory import open_memory
from threadkeep.protocol import MemoryProtocol
from threadkeep.remote import open_remote
from threadkeep.stores.access_tokens import add_token
from threadkeep.stores.hybrid import open_store

pytest.importorskip("starlette")
pytestmark = pytest.mark.asyncio(loop_scope="module")
MIRIAM = "My sister Miriam moved to Lisbon in March."
QUESTION = "Where does my sister Miriam live?"
Connect = Callable[[str], Awaitable[MemoryProtocol]]
"""Connects to the server as the user with this name."""
_numbers = itertools.count()


@dataclass(frozen=True)
class RunningServer:
    """A server, and the settings with which another process opens its databases."""

    connect: Connect
    settings: Settings


@asynccontextmanager
async def http_server(folder: Path) -> AsyncIterator[RunningServer]:
    async with start_servers(folder) as servers, AsyncExitStack() as stack:

        async def connect(name: str) -> MemoryProtocol:
            token = await servers.token(name)
            return await stack.enter_async_context(open_remote(servers.server.url, token))

        yield RunningServer(connect, settings_in(servers.env))


@asynccontextmanager
async def dev_server(folder: Path) -> AsyncIterator[RunningServer]:
    pytest.importorskip("langgraph_api")
    server = new_server(folder)
    await asyncio.to_thread(server.run, "user", "add", "first")
    await asyncio.to_thread(server.start)
    try:
        async with AsyncExitStack() as stack:

            async def connect(name: str) -> MemoryProtocol:
                async with open_store(server.settings) as store:
                    token = await add_token(store, name)
                return await stack.enter_async_context(open_remote(server.url, token))

            yield RunningServer(connect, server.settings)
    finally:
        server.kill()


SERVERS = {"http": http_server, "dev": dev_server}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SERVERS)
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningServer]:
    async with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def connect(server: RunningServer) -> Connect:
    return server.connect


@pytest_asyncio.fixture(loop_scope="module")
async def memory(connect: Connect) -> MemoryProtocol:
    """The memory of a user of this test alone."""
    return await connect(f"ada-{next(_numbers)}")


async def say(
    memory: MemoryProtocol,
    text: str,
    thread: str = "trip",
    context: dict[str, Any] | None = None,
) -> str:
    turn = await memory.say(text, thread=thread, context=context)
    pieces = [piece async for piece in turn]
    await turn.finished()
    assert turn.thread == thread
    assert "".join(pieces) == turn.reply
    return turn.reply


async def lines_of(memory: MemoryProtocol, thread: str | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in memory.export(thread)]


async def export_of(memory: MemoryProtocol) -> io.BytesIO:
    return io.BytesIO("".join([line async for line in memory.export()]).encode())


async def texts_of(memory: MemoryProtocol, thread: str = "trip") -> list[str]:
    return [message["text"] for message in await memory.messages(thread)]


async def test_a_turn_streams_a_reply_that_rests_on_what_another_thread_says(
    memory: MemoryProtocol,
) -> None:
    await say(memory, MIRIAM)
    turn = await memory.say(QUESTION, thread="later")
    pieces = [piece async for piece in turn]
    await turn.finished()
    assert "Lisbon" in turn.reply
    assert "".join(pieces) == turn.reply
    assert MIRIAM in [recalled["text"] for recalled in turn.memories]
    assert turn.ledger


async def test_a_turn_without_a_thread_begins_a_new_one(memory: MemoryProtocol) -> None:
    turn = await memory.say(MIRIAM)
    await turn.finished()
    assert [row["name"] for row in await memory.threads()] == [turn.thread]
    assert (await texts_of(memory, turn.thread))[0] == MIRIAM


async def test_a_stopped_turn_leaves_the_thread_free(memory: MemoryProtocol) -> None:
    turn = await memory.say(MIRIAM, thread="trip")
    await turn.stop()
    assert await say(memory, "I work at Initech.")


async def test_the_context_reaches_the_run(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    reply = await say(memory, QUESTION, "later", {"memory": "window"})
    assert "Lisbon" not in reply


async def test_a_context_that_is_not_allowed_is_refused_in_a_sentence(
    memory: MemoryProtocol,
) -> None:
    turn = await memory.say(MIRIAM, thread="trip", context={"temperature": 70})
    with pytest.raises(RemoteServerFailed, match="temperature") as error:
        await turn.finished()
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)


async def test_there_is_nothing_to_recover_and_no_notice(memory: MemoryProtocol) -> None:
    assert await memory.recover() == []
    assert memory.notice == ""
    assert await memory.model_notice({}) == ""
    assert await memory.thread_context("trip") == {}


async def test_undo_returns_the_messages_and_takes_memory_back(memory: MemoryProtocol) -> None:
    await say(memory, "I work at Initech.")
    await say(memory, MIRIAM)
    assert await memory.undo("trip") == [MIRIAM]
    assert (await texts_of(memory))[::2] == ["I work at Initech."]
    assert MIRIAM not in [row["text"] for row in await memory.search("Lisbon")]
    await say(memory, "I live in Bergen.")
    assert await memory.undo("trip", 2) == ["I work at Initech.", "I live in Bergen."]
    assert await memory.facts() == []


async def test_a_fork_has_the_first_turns_and_goes_on_by_itself(memory: MemoryProtocol) -> None:
    await say(memory, "I work at Initech.")
    await say(memory, MIRIAM)
    thread_id = await memory.fork("trip", "other", at=1)
    assert (await texts_of(memory, "other"))[::2] == ["I work at Initech."]
    await say(memory, "I live in Bergen.", "other")
    assert (await texts_of(memory, "other"))[::2] == ["I work at Initech.", "I live in Bergen."]
    assert (await texts_of(memory))[::2] == ["I work at Initech.", MIRIAM]
    assert {row["name"]: row["id"] for row in await memory.threads()}["other"] == thread_id
    await memory.fork("trip", "whole")
    assert (await texts_of(memory, "whole"))[::2] == ["I work at Initech.", MIRIAM]


async def test_threads_are_listed_the_last_used_first(memory: MemoryProtocol) -> None:
    assert await memory.threads() == []
    await say(memory, MIRIAM)
    await say(memory, QUESTION)
    await say(memory, "I work at Initech.", "work")
    rows = await memory.threads()
    assert [(row["name"], row["turns"]) for row in rows] == [("work", 1), ("trip", 2)]
    assert await memory.threads(1) == rows[:1]
    assert await memory.last_thread() == "work"


async def test_a_user_without_threads_has_no_last_one(memory: MemoryProtocol) -> None:
    with pytest.raises(BadInput, match=r"^There is no thread to ask about\.$"):
        await memory.last_thread("to ask about")
    with pytest.raises(BadInput, match="There is no thread"):
        await memory.why()


async def test_messages_are_the_newest_in_their_order(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    reply = await say(memory, QUESTION)
    rows = await memory.messages("trip")
    assert [row["role"] for row in rows] == ["user", "assistant"] * 2
    assert [row["text"] for row in rows][::3] == [MIRIAM, reply]
    assert all(row["id"] and row["time"] for row in rows)
    assert await memory.messages("trip", 1) == rows[-1:]


async def test_a_thread_that_does_not_exist_is_refused_in_a_sentence(
    memory: MemoryProtocol,
) -> None:
    await say(memory, MIRIAM)
    for call in (
        memory.messages("nowhere"),
        memory.undo("nowhere"),
        memory.fork("nowhere", "other"),
        memory.why("nowhere"),
    ):
        with pytest.raises(
            BadInput, match=r"^There is no thread 'nowhere'( with an answer)?; see "
        ):
            await call


async def test_a_thread_is_known_by_its_id_too(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    thread_id = (await memory.threads())[0]["id"]
    assert await texts_of(memory, thread_id) == await texts_of(memory)
    await say(memory, QUESTION, thread_id)
    assert (await texts_of(memory))[::2] == [MIRIAM, QUESTION]
    new = str(uuid4())
    await say(memory, "I work at Initech.", new)
    assert (await texts_of(memory, new))[::2] == ["I work at Initech."]


async def test_search_returns_a_message_with_its_thread(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    rows = await memory.search("Lisbon")
    (row,) = [row for row in rows if row.get("text") == MIRIAM and row["kind"] == "message"]
    assert row["thread"] == "trip"
    assert row["score"] > 0
    assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)
    assert len(await memory.search("Lisbon", 1)) == 1


async def test_facts_and_entities_are_listed(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    await say(memory, "I live in Bergen.")
    facts = await memory.facts()
    assert {"Lisbon", "Bergen"} <= {fact["object"] for fact in facts}
    assert len(await memory.facts(1)) == 1
    entities = await memory.entities()
    assert {"Miriam", "Lisbon", "Bergen"} <= {entity["name"] for entity in entities}
    assert await memory.entities(1) == entities[:1]


async def test_entities_are_merged_split_and_put_back(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    await say(memory, "Mimi lives in Porto.")
    before = await memory.facts(history=True)
    change = await memory.merge_entities("Miriam", "Mimi")
    assert (change["kind"], change["name"], change["other"]) == ("merge", "Miriam", "Mimi")
    assert {fact["subject"] for fact in await memory.facts()} == {"user", "Miriam"}
    assert await memory.facts(about="Mimi") == await memory.facts(about="Miriam")
    await memory.undo_entity_change(change["id"])
    assert await memory.facts(history=True) == before
    with pytest.raises((BadInput, RemoteServerFailed), match="no other name of anybody"):
        await memory.split_entity("Mimi")
    assert [row["undone"] for row in await memory.entity_changes()] == [True, False]


async def test_a_superseded_fact_is_listed_only_on_request(
    memory: MemoryProtocol,
) -> None:
    await say(memory, "I live in Bergen.")
    await say(memory, "I live in Oslo.")
    assert [fact["object"] for fact in await memory.facts()] == ["Oslo"]
    facts = await memory.facts(history=True)
    assert sorted(fact["object"] for fact in facts) == ["Bergen", "Oslo"]


async def test_why_explains_the_last_answer_of_a_thread(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    reply = await say(memory, QUESTION, "later")
    explanation = await memory.why("later")
    assert (explanation["question"], explanation["answer"]) == (QUESTION, reply)
    assert MIRIAM in [reason["text"] for reason in explanation["memories"]]
    assert await memory.why() == explanation


async def test_a_corrected_memory_says_something_else_and_keeps_its_history(
    memory: MemoryProtocol,
) -> None:
    await say(memory, MIRIAM)
    memory_id = (await memory.messages("trip"))[0]["id"]
    text = "My sister Miriam moved to Porto."
    correction = await memory.correct(memory_id, text)
    assert (correction["kind"], correction["was"], correction["text"]) == ("message", MIRIAM, text)
    assert (await texts_of(memory))[0] == text
    assert [wording["text"] for wording in await memory.history(memory_id)] == [MIRIAM, text]
    assert "Porto" in {fact["object"] for fact in await memory.facts()}


async def test_a_pin_is_listed_until_it_is_removed(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    memory_id = (await memory.messages("trip"))[0]["id"]
    pin = await memory.pin(memory_id)
    assert (pin["id"], pin["text"], pin["shown"]) == (memory_id, MIRIAM, True)
    assert await memory.pins() == [pin]
    assert await memory.pins(context={"pinned_tokens": 0}) == [{**pin, "shown": False}]
    assert not (await memory.pin(memory_id, context={"pinned_tokens": 0}))["shown"]
    assert await memory.unpin(memory_id) == memory_id
    assert await memory.pins() == []


async def test_usage_is_summed_up_by_day_thread_and_purpose(memory: MemoryProtocol) -> None:
    assert await memory.usage() == {}
    await say(memory, MIRIAM)
    await say(memory, QUESTION)
    for by, name in (("thread", "trip"), ("purpose", "answer")):
        usage = await memory.usage(by)  # type: ignore[arg-type]
        assert list(usage) == [name, "total"]
        assert usage[name]["calls"] == usage["total"]["calls"] == 2
    assert (await memory.usage())["total"]["calls"] == 2


@pytest.mark.parametrize("kind", ["memory", "message"])
async def test_a_forgotten_message_is_gone_with_what_it_taught(
    memory: MemoryProtocol, kind: Any
) -> None:
    await say(memory, MIRIAM)
    await say(memory, "I live in Bergen.")
    target = Target(kind=kind, name=(await memory.messages("trip"))[0]["id"])
    assert any(MIRIAM in line for line in await memory.plan_forget(target))
    assert MIRIAM in await texts_of(memory)
    receipt = await memory.forget(target)
    assert receipt.forgot == "message"
    assert receipt.removed["messages"] >= 1
    assert receipt.found == []
    assert MIRIAM not in await texts_of(memory)
    assert [fact["object"] for fact in await memory.facts()] == ["Bergen"]


@pytest.mark.parametrize("kind", ["fact", "entity"])
async def test_a_forgotten_fact_or_entity_is_gone(memory: MemoryProtocol, kind: Any) -> None:
    await say(memory, "I live in Bergen.")
    rows = await (memory.facts() if kind == "fact" else memory.entities())
    target = Target(kind=kind, name=rows[0]["id"])
    assert await memory.plan_forget(target)
    assert (await memory.forget(target)).forgot == kind
    assert await memory.facts() == []


async def test_a_forgotten_fact_keeps_the_messages_if_that_is_wanted(
    memory: MemoryProtocol,
) -> None:
    await say(memory, "I live in Bergen.")
    (fact,) = await memory.facts()
    await memory.forget(Target(kind="fact", name=fact["id"], keep_messages=True))
    assert await memory.facts() == []
    assert "I live in Bergen." in await texts_of(memory)


async def test_a_forgotten_thread_is_not_listed_and_can_begin_again(
    memory: MemoryProtocol,
) -> None:
    await say(memory, MIRIAM)
    target = Target(kind="thread", name="trip")
    assert any("trip" in line for line in await memory.plan_forget(target))
    assert (await memory.forget(target)).forgot == "thread"
    assert await memory.threads() == []
    assert await memory.search("Lisbon") == []
    await say(memory, "I work at Initech.")
    assert (await texts_of(memory))[::2] == ["I work at Initech."]


async def test_a_forgotten_user_loses_the_token_and_others_lose_nothing(connect: Connect) -> None:
    name = f"ada-{next(_numbers)}"
    memory, other = await connect(name), await connect(f"bob-{next(_numbers)}")
    await say(memory, MIRIAM)
    await say(other, MIRIAM)
    target = Target(kind="user")
    assert await memory.plan_forget(target)
    assert (await memory.forget(target)).forgot == "user"
    with pytest.raises(RemoteServerFailed, match="does not let you in"):
        await memory.threads()
    assert (await texts_of(other))[0] == MIRIAM


async def test_files_are_verified_on_the_servers_machine_alone(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    with pytest.raises(BadInput, match="on the server"):
        await memory.forget(Target(kind="thread", name="trip"), verify=True)
    assert (await texts_of(memory))[0] == MIRIAM


async def test_an_export_has_a_line_for_each_message_and_one_of_a_thread_only_its_own(
    memory: MemoryProtocol,
) -> None:
    await say(memory, MIRIAM)
    await say(memory, "I work at Initech.", "work")
    whole = json.dumps(await lines_of(memory))
    assert MIRIAM in whole
    assert "Initech" in whole
    part = json.dumps(await lines_of(memory, "work"))
    assert MIRIAM not in part
    assert "Initech" in part
    with pytest.raises(RemoteServerFailed, match="has no thread 'nowhere'") as error:
        await lines_of(memory, "nowhere")
    assert error.value.exit_code == 2


async def test_a_report_is_one_html_page_with_the_text(memory: MemoryProtocol) -> None:
    await say(memory, MIRIAM)
    page = "".join([piece async for piece in memory.report()])
    assert page.lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert MIRIAM in page


async def test_an_export_is_restored_into_the_memory_of_another_user(connect: Connect) -> None:
    memory, other = [await connect(f"{name}-{next(_numbers)}") for name in ("ada", "bob")]
    await say(memory, MIRIAM)
    await say(memory, "I live in Bergen.", "home")
    file = await export_of(memory)
    result = await other.restore(file)
    assert (result.messages, result.threads, result.new) == (4, 2, 4)
    for thread in ("trip", "home"):
        assert await texts_of(other, thread) == await texts_of(memory, thread)
    assert MIRIAM in [row.get("text") for row in await other.search("Lisbon")]
    facts, copies = await memory.facts(), await other.facts()
    assert [fact["object"] for fact in copies] == [fact["object"] for fact in facts]
    assert (await other.restore(file)).new == 0
    assert "Lisbon" in await say(other, QUESTION)


def uploads() -> dict[str, bytes]:
    """Return files of other programs with one exchange each, by name."""
    chatgpt = {
        "title": "Dogs",
        "conversation_id": "c1",
        "current_node": "b",
        "mapping": {
            "a": {"id": "a", "parent": None, "message": _node("a", "user", MIRIAM)},
            "b": {"id": "b", "parent": "a", "message": _node("b", "assistant", "I see.")},
        },
    }
    claude = {
        "uuid": "u1",
        "name": "Dogs",
        "chat_messages": [
            {"uuid": "m1", "sender": "human", "text": MIRIAM, "created_at": "2025-01-01T09:00:00Z"},
            {
                "uuid": "m2",
                "sender": "assistant",
                "text": "OK",
                "created_at": "2025-01-01T09:01:00Z",
            },
        ],
    }
    openai = [{"role": "user", "content": MIRIAM}, {"role": "assistant", "content": "I see."}]
    line = {"user": "eve", "thread": "t", "role": "user", "text": MIRIAM}
    lines = json.dumps(line | {"time": "2025-01-01T09:00:00Z"})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("export/conversations.json", json.dumps([chatgpt]))
        file.writestr("export/user.json", "{}")
    return {
        "chatgpt.json": json.dumps([chatgpt]).encode(),
        "chatgpt.zip": archive.getvalue(),
        "claude.json": json.dumps([claude]).encode(),
        "openai.json": json.dumps(openai).encode(),
        "lines.jsonl": f"{lines}\n".encode(),
    }


def _node(key: str, role: str, text: str) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    return {"id": key, "author": {"role": role}, "create_time": 1735722000, "content": content}


@pytest.mark.parametrize("name", uploads())
async def test_a_file_of_another_program_is_imported(memory: MemoryProtocol, name: str) -> None:
    file = io.BytesIO(uploads()[name])
    thread = "t" if name == "openai.json" else None
    result = await memory.import_file(file, name=name, thread=thread)
    assert (result.users, result.threads) == (1, 1)
    assert result.new == result.messages >= 1
    assert MIRIAM in [row.get("text") for row in await memory.search("Lisbon")]
    assert (await memory.import_file(file, name=name, thread=thread)).new == 0
    (row,) = await memory.threads()
    await memory.forget(Target(kind="thread", name=row["name"]))
    again = await memory.import_file(file, name=name, thread=thread)
    assert (again.new, again.forgotten) == (0, result.messages)
    again = await memory.import_file(file, name=name, thread=thread, again=True)
    assert (again.new, again.forgotten) == (result.messages, 0)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"", {}),
        (b"{}", {}),
        (b"\xff\xfe\x00", {}),
        (b"PK\x03\x04 not an archive", {}),
        (b'[{"mapping": 5}]', {}),
        (b'[{"role": "user", "content": "x"}]', {"format": "whatsapp"}),
        (b'[{"role": "user", "content": "x"}]', {"format": "claude"}),
        (b"<html><head><title>My Activity History</title></head></html>", {}),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    memory: MemoryProtocol, content: bytes, options: dict[str, Any]
) -> None:
    with pytest.raises(RemoteServerFailed) as error:
        await memory.import_file(io.BytesIO(content), name="chats.json", **options)
    assert error.value.exit_code == 2
    assert "/tmp" not in str(error.value)
    assert "chats.json" in str(error.value) or "format" in options
    assert await memory.threads() == []


async def test_an_export_is_a_file_to_import_too(connect: Connect) -> None:
    memory, other = [await connect(f"{name}-{next(_numbers)}") for name in ("ada", "bob")]
    await say(memory, MIRIAM)
    result = await other.import_file(await export_of(memory))
    assert (result.messages, result.new, result.threads) == (2, 2, 1)


async def test_a_file_that_is_no_export_is_refused_and_changes_nothing(
    memory: MemoryProtocol,
) -> None:
    with pytest.raises(RemoteServerFailed) as error:
        await memory.restore(io.BytesIO(b"no export\n"))
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    assert await memory.threads() == []


READS: dict[str, Callable[[MemoryProtocol], Any]] = {
    "threads": lambda memory: memory.threads(),
    "messages": lambda memory: memory.messages("trip"),
    "messages of a fork": lambda memory: memory.messages("other"),
    "last_thread": lambda memory: memory.last_thread(),
    "facts": lambda memory: memory.facts(history=True),
    "entities": lambda memory: memory.entities(),
    "entity_changes": lambda memory: memory.entity_changes(),
    "why": lambda memory: memory.why("later"),
    "pins": lambda memory: memory.pins(),
    "usage by day": lambda memory: memory.usage("day"),
    "usage by thread": lambda memory: memory.usage("thread"),
    "usage by purpose": lambda memory: memory.usage("purpose"),
    "plan_forget": lambda memory: memory.plan_forget(Target(kind="thread", name="trip")),
    "export": lambda memory: data_lines_of(memory),
    "export of a thread": lambda memory: data_lines_of(memory, "trip"),
}


async def data_lines_of(memory: MemoryProtocol, thread: str | None = None) -> list[dict[str, Any]]:
    """Return an export without its header, which has the time of the export, and its end."""
    return (await lines_of(memory, thread))[1:-1]


async def test_reads_return_what_memory_returns_on_the_same_database(
    server: RunningServer,
) -> None:
    user_id = f"ada-{next(_numbers)}"
    memory = await server.connect(user_id)
    await say(memory, "I live in Bergen.")
    await say(memory, MIRIAM)
    await say(memory, "I live in Oslo.")
    await say(memory, QUESTION, "later")
    await memory.fork("trip", "other", at=2)
    memory_id = (await memory.messages("trip"))[2]["id"]
    await memory.pin(memory_id)
    await memory.correct(memory_id, "My sister Miriam moved to Porto.")
    await memory.merge_entities("Miriam", "Mimi")
    async with open_memory(server.settings) as local_memory:
        with acting_as(user_id):
            assert await memory.history(memory_id) == await local_memory.history(memory_id)
            for name, read in READS.items():
                result = await read(memory)
                assert result, name
                assert result == await read(local_memory), name
            # Only one process can open embedded vectors, and scores depend on them.
            matches = [await reader.search("Porto") for reader in (memory, local_memory)]
    assert {row["id"] for row in matches[0]} == {row["id"] for row in matches[1]}


CALLS: dict[str, Callable[[MemoryProtocol], Any]] = {
    "model_notice": lambda memory: memory.model_notice({}, user_id="eve"),
    "say": lambda memory: memory.say("hi", user_id="eve"),
    "recover": lambda memory: memory.recover(user_id="eve"),
    "unanswered": lambda memory: memory.unanswered(user_id="eve"),
    "retry": lambda memory: memory.retry("trip", user_id="eve"),
    "discard": lambda memory: memory.discard("trip", user_id="eve"),
    "undo": lambda memory: memory.undo("trip", user_id="eve"),
    "fork": lambda memory: memory.fork("trip", "other", user_id="eve"),
    "threads": lambda memory: memory.threads(user_id="eve"),
    "messages": lambda memory: memory.messages("trip", user_id="eve"),
    "last_thread": lambda memory: memory.last_thread(user_id="eve"),
    "thread_context": lambda memory: memory.thread_context("trip", user_id="eve"),
    "search": lambda memory: memory.search("Lisbon", user_id="eve"),
    "facts": lambda memory: memory.facts(user_id="eve"),
    "entities": lambda memory: memory.entities(user_id="eve"),
    "merge_entities": lambda memory: memory.merge_entities("a", "b", user_id="eve"),
    "split_entity": lambda memory: memory.split_entity("a", user_id="eve"),
    "undo_entity_change": lambda memory: memory.undo_entity_change("id", user_id="eve"),
    "entity_changes": lambda memory: memory.entity_changes(user_id="eve"),
    "why": lambda memory: memory.why("trip", user_id="eve"),
    "correct": lambda memory: memory.correct("id", "text", user_id="eve"),
    "history": lambda memory: memory.history("id", user_id="eve"),
    "pin": lambda memory: memory.pin("id", user_id="eve"),
    "unpin": lambda memory: memory.unpin("id", user_id="eve"),
    "pins": lambda memory: memory.pins(user_id="eve"),
    "usage": lambda memory: memory.usage(user_id="eve"),
    "plan_forget": lambda memory: memory.plan_forget(Target(kind="user"), user_id="eve"),
    "forget": lambda memory: memory.forget(Target(kind="user"), user_id="eve"),
    "export": lambda memory: anext(aiter(memory.export(user_id="eve"))),
    "report": lambda memory: anext(aiter(memory.report(user_id="eve"))),
    "restore": lambda memory: memory.restore(io.BytesIO(), user_id="eve"),
    "import_file": lambda memory: memory.import_file(io.BytesIO(), user_id="eve"),
}


async def test_a_user_id_is_refused_in_one_sentence(memory: MemoryProtocol) -> None:
    functions = inspect.getmembers(MemoryProtocol, inspect.isfunction)
    assert set(CALLS) == {name for name, _ in functions if not name.startswith("_")}
    for call in CALLS.values():
        with pytest.raises(
            BadInput, match=r"^The server knows the user [^\n.]*leave user_id out\.$"
        ):
            await call(memory)
