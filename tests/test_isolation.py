"""Nobody gets at another user's memory: every door, every backend, by every trick we know.

A new door (export, erase, fork, a server's route) joins `DOORS` or gets a test here.
"""

import asyncio
import io
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import GetOp, Item, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp

from tests.backends import BACKENDS, asking, fresh_database
from threadkeep.base.database_url import parse_database
from threadkeep.base.errors import AccessRefused, BadInput, ThreadDeleted
from threadkeep.base.settings import Settings, create_data_folder
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.thread_records import list_records
from threadkeep.checkpoints.thread_turns import undo_turns
from threadkeep.cli.import_file import import_file
from threadkeep.erase.erase import erase
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.corrections import correct_message, history_of
from threadkeep.knowledge.explanation import explain
from threadkeep.knowledge.pins import add_pin, list_pins, remove_pin
from threadkeep.memory import Memory, open_memory
from threadkeep.stores.memory_ids import Meant, find_memory, find_messages
from threadkeep.stores.namespaces import (
    all_messages_of,
    messages_of,
    thread_id,
    threads_of,
    user_key,
)
from threadkeep.stores.owned import OwnedStore
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_format import Checksum, format_record
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.report import report_html
from threadkeep.transfer.restore import restore_export

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "The vault opens with tulip-4711."
REFUSED = (AccessRefused, BadInput)


def file_of(*records: dict[str, Any]) -> bytes:
    """Return an export of Ada's that somebody has made up."""
    header = {
        "kind": "header",
        "schema": "threadkeep-export",
        "version": 1,
        "created": "2026-03-04T09:30:00+00:00",
        "user": "ada",
    }
    checksum, lines = Checksum(), [format_record(each) for each in (header, *records)]
    for line in lines:
        checksum.add(line.encode())
    end = {"kind": "end", "records": checksum.records, "sha256": checksum.hexdigest}
    lines.append(format_record(end))
    return "".join(lines).encode()


HERS = file_of()


@dataclass
class House:
    """Ada has a thread with a secret in it; everything else is whoever asks."""

    memory: Memory
    thread: str
    owner: str

    @property
    def saver(self) -> OwnedSaver:
        return self.memory.opened.saver

    def config(self, thread: str | None = None, **run: Any) -> RunnableConfig:
        return {"configurable": {"thread_id": thread or self.thread, "checkpoint_ns": "", **run}}


@pytest_asyncio.fixture(params=BACKENDS, scope="module", loop_scope="module")
async def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    home = tmp_path_factory.mktemp("house")
    async with fresh_database(request.param) as url:
        settings = Settings(home=home, model="offline", checkpoints=parse_database(url))
        create_data_folder(settings)
        async with open_memory(settings) as memory:
            turn = await memory.say(SECRET, thread="trip", user_id="ada")
            await turn.finished()
            owner = await user_key(memory.opened.store, "ada")
            yield House(memory, thread_id(owner, "trip"), owner)


async def unharmed(house: House) -> None:
    """Check that Ada still has all of it, and nobody else's words among it."""
    state = await house.memory.graph.aget_state(house.config(user_id="ada"))
    assert state.values["messages"][0].text == SECRET
    assert len(state.values["messages"]) == 2
    found = await house.memory.opened.store.asearch(messages_of(house.owner, house.thread))
    assert SECRET in [item.value["text"] for item in found]


async def drain(found: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in found]


Door = Callable[[House, dict[str, Any]], Awaitable[Any]]


async def put(house: House, run: dict[str, Any]) -> None:
    with acting_as("ada"):
        found = await house.saver.aget_tuple(house.config())
    assert found is not None
    await house.saver.aput(house.config(**run), found.checkpoint, {"source": "update"}, {})


async def put_writes(house: House, run: dict[str, Any]) -> None:
    config = house.config(checkpoint_id="1f000000-0000-6000-8000-000000000000", **run)
    await house.saver.aput_writes(config, [("messages", "mine")], "task")


async def update_state(house: House, run: dict[str, Any]) -> None:
    words = {"messages": [HumanMessage("mine")]}
    await house.memory.graph.aupdate_state(house.config(**run), words, as_node="call_model")


async def export(house: House, _: dict[str, Any]) -> None:
    await drain(export_user(house.memory.opened, "ada"))


async def report(house: House, _: dict[str, Any]) -> None:
    await drain(report_html(house.memory.opened, "ada"))


async def take_in(house: House, _: dict[str, Any]) -> None:
    file = io.BytesIO(HERS)
    await restore_export(house.memory.opened, file, validate_export(file, "x"), "ada")


async def forget(house: House, _: dict[str, Any]) -> None:
    await erase(house.memory.opened, "ada", Target(kind="user"))


async def run_turn(house: House, run: dict[str, Any]) -> None:
    user = run.get("user_id", "bob")
    await house.memory.graph.ainvoke(
        {"messages": [HumanMessage("What opens the vault?")]},
        house.config(**run),
        context=Context(user_id=user),
    )


def hers(house: House) -> Meant:
    """What one would have to know of Ada's message to change it."""
    value = {"text": SECRET, "role": "user", "position": 0, "thread": house.thread}
    place = {"namespace": messages_of(house.owner, house.thread), "key": "m"}
    item = Item(value=value, created_at="2026-01-01", updated_at="2026-01-01", **place)  # type: ignore[arg-type]
    return Meant(kind="message", id="m", items=[item])


async def why_of(house: House, _: dict[str, Any]) -> None:
    said: list[AnyMessage] = [HumanMessage("?", id="q"), AIMessage("!", id="a")]
    places = [["messages", house.thread, "m"]]
    state = State(messages=said, recalled=[{"before": "q", "places": places}])
    await explain(OwnedStore(house.memory.opened.store), house.owner, state, "trip")


CONFIGURED: dict[str, Door] = {
    "get": lambda house, run: house.saver.aget_tuple(house.config(**run)),
    "get by checkpoint": lambda house, run: house.saver.aget_tuple(
        house.config(checkpoint_id="1f000000-0000-6000-8000-000000000000", **run)
    ),
    "list": lambda house, run: drain(house.saver.alist(house.config(**run))),
    "put": put,
    "put writes": put_writes,
    "state": lambda house, run: house.memory.graph.aget_state(house.config(**run)),
    "history": lambda house, run: drain(house.memory.graph.aget_state_history(house.config(**run))),
    "update": update_state,
    "fork": lambda house, run: house.memory.graph.aupdate_state(
        house.config(**run), None, "__copy__"
    ),
    "undo": lambda house, run: undo_turns(house.memory.graph, house.config(**run), "trip", 1),
    "run": run_turn,
}
BY_ID: dict[str, Door] = {
    "delete": lambda house, _: house.saver.adelete_thread(house.thread),
    "copy from": lambda house, _: house.saver.acopy_thread(house.thread, "a-thread-of-bob"),
    "copy to": lambda house, _: house.saver.acopy_thread("a-thread-of-bob", house.thread),
    "prune": lambda house, _: house.saver.aprune([house.thread]),
    "prune all": lambda house, _: house.saver.aprune([house.thread], strategy="delete"),
    "prune among others": lambda house, _: house.saver.aprune(["t", house.thread]),
    "prune turns": lambda house, _: house.saver.aprune_turns(house.thread, 1),
    "export": export,
    "forget": forget,
    "import": take_in,
    "report": report,
    "find by id": lambda house, _: find_memory(house.memory.opened.store, house.owner, "a"),
    "sources by id": lambda house, _: find_messages(house.memory.opened.store, house.owner, ["a"]),
    "why": why_of,
    "history of a memory": lambda house, _: history_of(
        OwnedStore(house.memory.opened.store),
        house.owner,
        Meant(kind="fact", id="f", items=hers(house).items),
    ),
    "correct": lambda house, _: correct_message(
        OwnedStore(house.memory.opened.store), house.owner, hers(house), "mine"
    ),
    "pin": lambda house, _: add_pin(
        OwnedStore(house.memory.opened.store), house.owner, hers(house)
    ),
    "unpin": lambda house, _: remove_pin(OwnedStore(house.memory.opened.store), house.owner, "m"),
    "pins": lambda house, _: list_pins(
        OwnedStore(house.memory.opened.store), house.owner, Context(user_id="ada")
    ),
    "time to live": lambda house, _: house.saver.aset_ttl(house.thread, 0.0001),
}
DOORS = CONFIGURED | BY_ID


@pytest.mark.parametrize("door", DOORS)
async def test_another_user_is_refused(house: House, door: str) -> None:
    if door in CONFIGURED:
        for run in ({"user_id": "bob"}, {"langgraph_auth_user_id": "bob"}):
            with pytest.raises(AccessRefused):
                await CONFIGURED[door](house, run)
    else:
        with acting_as("bob"), pytest.raises(AccessRefused):
            await BY_ID[door](house, {})
    await unharmed(house)


@pytest.mark.parametrize("door", DOORS)
async def test_nobody_is_refused(house: House, door: str) -> None:
    with pytest.raises(AccessRefused, match="Nobody is asking"):
        await DOORS[door](house, {})
    await unharmed(house)


@pytest.mark.parametrize("door", CONFIGURED)
async def test_whoever_asks_as_somebody_else_is_refused(house: House, door: str) -> None:
    for run in (
        {"langgraph_auth_user_id": "bob", "user_id": "ada"},
        {"langgraph_auth_user_id": "ada", "user_id": "bob"},
    ):
        with pytest.raises(AccessRefused):
            await CONFIGURED[door](house, run)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await CONFIGURED[door](house, {"user_id": "ada"})
    await unharmed(house)


@pytest.mark.parametrize("user", [1, True, 0, [], {}, {"$ne": ""}, ["ada"], b"ada", "", " ", "*"])
@pytest.mark.parametrize("door", ["get", "list", "put", "state"])
async def test_a_user_id_that_is_no_text_is_nobody(house: House, door: str, user: Any) -> None:
    with pytest.raises(REFUSED):
        await CONFIGURED[door](house, {"user_id": user})
    await unharmed(house)


LOOK_ALIKES = [
    "Ada",
    "ADA",
    "аda",  # Cyrillic
    "ａｄａ",  # full width
    "ada\u200b",
    "ada\u0301",
    "ada.",
    "ada/trip",
    "ada:trip",
    "ada\\",
    "ada%",
    "ad_",
    "ada'--",
    "ad",
    "adaa",
    "{ada}",
    "ada\n",
    "ada\0",
]


@pytest.mark.parametrize("user", LOOK_ALIKES)
async def test_a_name_that_only_looks_alike_is_somebody_else(house: House, user: str) -> None:
    with pytest.raises(REFUSED):
        await house.saver.aget_tuple(house.config(user_id=user))
    normal = unicodedata.normalize("NFC", user)
    assert await user_key(house.memory.opened.store, normal) != house.owner
    try:
        context = Context(user_id=user)
    except BadInput:
        return
    turn = await house.memory.say(
        "What does the vault open with?", thread="trip", **asking(context)
    )
    await turn.finished()
    assert "4711" not in turn.reply
    assert turn.memories == []
    await unharmed(house)


async def test_two_spellings_of_one_name_are_one_user(house: House) -> None:
    composed, parts = "Zoë", unicodedata.normalize("NFD", "Zoë")
    turn = await house.memory.say("I live in Bergen.", thread="trip", user_id=composed)
    await turn.finished()
    turn = await house.memory.say("Where do I live?", thread="trip", user_id=parts)
    await turn.finished()
    assert "Bergen" in turn.reply


@pytest.mark.parametrize(
    "thread", [1, 1.0, True, b"t", ["t"], {"t": 1}, "", " t", "t\0", "t\n", "x" * 129]
)
async def test_a_thread_id_that_is_no_plain_text_is_refused(house: House, thread: Any) -> None:
    config: RunnableConfig = {
        "configurable": {"thread_id": thread, "checkpoint_ns": "", "user_id": "ada"}
    }
    with pytest.raises(REFUSED):
        await house.saver.aget_tuple(config)
    with acting_as("ada"), pytest.raises(REFUSED):
        await house.saver.adelete_thread(thread)


@pytest.mark.parametrize("pattern", ["*", "t*", "?1", "[t]1", "t1}", "{t1", "t%", "t_", "T1", "t"])
async def test_an_id_that_is_a_pattern_or_a_prefix_matches_itself_only(
    house: House, pattern: str
) -> None:
    for user, thread in (("bob", "t1"), ("eve", pattern)):
        await house.memory.graph.ainvoke(
            {"messages": [HumanMessage("hello")]},
            house.config(thread, user_id=user),
            context=Context(user_id=user),
        )
    assert len(await drain(house.saver.alist(house.config(pattern, user_id="eve")))) > 0
    with acting_as("eve"):
        await house.saver.aprune([pattern])
        await house.saver.adelete_thread(pattern)
    assert len(await drain(house.saver.alist(house.config("t1", user_id="bob")))) > 1
    await unharmed(house)


async def test_everything_at_once_is_refused(house: House) -> None:
    for config in (None, {}, {"configurable": {"user_id": "ada"}}):
        with acting_as("ada"), pytest.raises(AccessRefused):
            await drain(house.saver.alist(config))  # type: ignore[arg-type]


async def test_the_records_of_owners_are_nobodys_thread(house: House) -> None:
    from threadkeep.checkpoints.owner_records import record_config

    record = record_config(house.thread)["configurable"]["thread_id"]
    for user in ("ada", "bob"):
        with pytest.raises(AccessRefused):
            await house.saver.aget_tuple(house.config(record, user_id=user))
        with acting_as(user), pytest.raises(AccessRefused):
            await house.saver.adelete_thread(record)


async def test_of_two_who_begin_a_thread_at_once_one_owns_it(house: House) -> None:
    async def begin(user: str) -> str:
        await house.memory.graph.ainvoke(
            {"messages": [HumanMessage(f"I am {user}")]},
            house.config("contested", user_id=user),
            context=Context(user_id=user),
        )
        return user

    done = await asyncio.gather(*map(begin, ("bob", "eve", "mallory")), return_exceptions=True)
    (winner,) = [each for each in done if isinstance(each, str)]
    assert all(isinstance(each, AccessRefused) for each in done if not isinstance(each, str))
    state = await house.memory.graph.aget_state(house.config("contested", user_id=winner))
    assert state.values["messages"][0].text == f"I am {winner}"


async def test_a_callers_metadata_makes_nobody_an_owner(house: House) -> None:
    config = house.config("t1", user_id="bob")
    config["metadata"] = {"user_id": "ada", "owner": "ada"}
    words: Any = {"messages": [HumanMessage("hello")]}
    await house.memory.graph.ainvoke(words, config, context=Context(user_id="bob"))
    with pytest.raises(AccessRefused):
        await house.saver.aget_tuple(house.config("t1", user_id="ada"))
    assert await house.saver.aget_tuple(house.config("t1", user_id="bob"))


async def test_the_runs_of_others_are_not_deleted(house: House) -> None:
    words: Any = {"messages": [HumanMessage("hello")]}
    run_id = "5c9ae2a4-6f0c-4a9d-8a2b-3a1c7a7f0001"
    config = house.config("t2", user_id="bob")
    config["metadata"] = {"run_id": run_id}
    await house.memory.graph.ainvoke(words, config, context=Context(user_id="bob"))
    with acting_as("ada"), pytest.raises(AccessRefused):
        await house.saver.adelete_for_runs([run_id])
    with pytest.raises(AccessRefused):
        await house.saver.adelete_for_runs([run_id])
    assert await house.saver.aget_tuple(house.config("t2", user_id="bob"))
    with acting_as("bob"):
        await house.saver.adelete_for_runs([run_id])
    assert await house.saver.aget_tuple(house.config("t2", user_id="bob")) is None


async def test_what_comes_late_does_not_bring_a_deleted_thread_back(house: House) -> None:
    turn = await house.memory.say(SECRET, thread="late", user_id="ada")
    await turn.finished()
    thread = thread_id(house.owner, "late")
    # As another process would: with a guard of its own, which has not heard of the deletion.
    other = OwnedSaver(house.saver.saver)
    old = await other.aget_tuple(house.config(thread, user_id="ada"))
    assert old is not None
    with acting_as("ada"):
        await house.saver.adelete_thread(thread)
    with pytest.raises(ThreadDeleted):
        await other.aput(old.config, old.checkpoint, {"source": "loop", "parents": {}}, {})
    with pytest.raises(ThreadDeleted):
        await other.aput_writes(old.config, [("messages", "late")], "task")
    parents = {"": old.config["configurable"]["checkpoint_id"]}
    child = house.config(thread, user_id="ada", checkpoint_ns="sub:1", checkpoint_map=parents)
    new: Any = {**old.checkpoint, "id": "ffffffff-0000-6000-8000-000000000000"}
    with pytest.raises(ThreadDeleted):
        await other.aput(child, new, {"source": "loop", "parents": parents}, {})
    assert await drain(house.saver.alist(house.config(thread, user_id="ada"))) == []
    with acting_as("ada"), pytest.raises(ThreadDeleted):
        await house.saver.acopy_thread(house.thread, thread)
    with acting_as("bob"), pytest.raises(AccessRefused):
        await house.saver.adelete_thread(thread)
    with pytest.raises(AccessRefused):
        await house.saver.aput(house.config(thread, user_id="bob"), new, {}, {})
    turn = await house.memory.say("A new beginning.", thread="late", user_id="ada")
    await turn.finished()
    state = await house.memory.graph.aget_state(house.config(thread, user_id="ada"))
    assert state.values["messages"][0].text == "A new beginning."


async def test_any_other_saver_is_guarded_as_well() -> None:
    saver = OwnedSaver(InMemorySaver())
    config: RunnableConfig = {
        "configurable": {"thread_id": "t", "checkpoint_ns": "", "user_id": "ada"}
    }
    other = OwnedSaver(saver.saver)
    first = await saver.aput(config, empty_checkpoint(), {"source": "input"}, {})
    late = await other.aget_tuple(first)
    assert late is not None
    for door in (saver.aget_tuple, other.aget_tuple):
        with pytest.raises(AccessRefused):
            await door({"configurable": {"thread_id": "t", "user_id": "bob"}})
    with acting_as("ada"):
        await saver.adelete_thread("t")
    with pytest.raises(ThreadDeleted):
        await other.aput(late.config, empty_checkpoint(), {"source": "loop"}, {})
    assert await saver.aget_tuple(config) is None


async def test_a_name_is_undone_and_forked_among_ones_own_threads_alone(house: House) -> None:
    bob = Context(user_id="bob-who-has-nothing")
    with pytest.raises(BadInput, match="cannot be taken back"):
        await house.memory.undo("trip", user_id=bob.user_id)
    with pytest.raises(BadInput, match="no finished turn"):
        await house.memory.fork("trip", "mine", user_id=bob.user_id)
    await unharmed(house)


async def test_what_others_have_is_forgotten_by_nobody_and_looks_as_if_it_were_not_there(
    house: House,
) -> None:
    turn = await house.memory.say("My dog is called Rufus.", thread="own", user_id="bob")
    await turn.finished()
    store, owner, bob = house.memory.opened.store, house.owner, Context(user_id="bob")
    spoken = await store.asearch(messages_of(owner, house.thread))
    facts = await store.asearch((owner, "entities"))
    hers: list[tuple[Any, str, str]] = [("thread", house.thread, "no-such-thread")]
    hers += [(kind, item.key, "f" * 36) for item in spoken for kind in ("message", "memory")]
    hers += [(kind, item.key, "f" * 36) for item in facts for kind in ("entity", "memory")]
    hers += [("message", spoken[0].key[:8], "f" * 8), ("message", "", ""), ("message", "%", "_")]
    for kind, name, nothing in hers:
        told = []
        for each in (name, nothing):
            with pytest.raises(BadInput) as error:
                await house.memory.forget(Target(kind=kind, name=each), user_id=bob.user_id)
            told.append(str(error.value).replace(repr(each), "X"))
        assert told[0] == told[1]
    await house.memory.delete_thread("trip", user_id=bob.user_id)
    await house.memory.delete_thread(house.thread, user_id=bob.user_id)
    await unharmed(house)
    receipt = await house.memory.forget(Target(kind="user"), verify=True, user_id=bob.user_id)
    assert receipt.clean, receipt.found
    await unharmed(house)


async def test_an_id_of_somebody_elses_memory_means_nothing(house: House) -> None:
    found = await house.memory.opened.store.asearch(messages_of(house.owner, house.thread))
    bob = Context(user_id="bob")
    for key in (found[0].key, found[0].key[:8], found[0].key[-8:], "", "%", "_", "*", "."):
        for ask in (
            lambda given: house.memory.correct(given, "mine", user_id="bob"),
            lambda given: house.memory.pin(given, **asking(bob)),
            lambda given: house.memory.history(given, user_id="bob"),
        ):
            with pytest.raises(BadInput, match="You have no memory"):
                await ask(key)
        with pytest.raises(BadInput, match="is pinned"):
            await house.memory.unpin(key, user_id="bob")
    with pytest.raises(REFUSED):
        await house.memory.why("trip", user_id=bob.user_id)
    assert await house.memory.pins(**asking(bob)) == []
    await unharmed(house)


async def test_a_thread_of_the_same_name_is_another_for_everybody(house: House) -> None:
    ids = {
        thread_id(await user_key(house.memory.opened.store, u), "trip")
        for u in ("ada", "bob", "Ada")
    }
    assert len(ids) == 3
    turn = await house.memory.say("What does the vault open with?", thread="trip", user_id="bob")
    await turn.finished()
    assert "4711" not in turn.reply
    records = await list_records(
        house.memory.opened.store, threads_of(await user_key(house.memory.opened.store, "bob")), 10
    )
    assert house.thread not in [record.key for record in records]


async def test_a_context_that_names_somebody_else_is_refused(house: House) -> None:
    for run in ({"user_id": "bob"}, {"langgraph_auth_user_id": "bob"}):
        with pytest.raises(AccessRefused):
            await house.memory.graph.ainvoke(
                {"messages": [HumanMessage("What does the vault open with?")]},
                house.config("bobs", **run),
                context=Context(user_id="ada"),
            )
    await unharmed(house)


def reach(key: str) -> list[Op]:
    """Return what somebody might try to get at what is below a key."""
    return [
        GetOp((key, "threads"), "t"),
        GetOp((key[:-1], key[-1]), "t"),
        PutOp((key, "messages", "t"), "m", {"text": "mine"}),
        PutOp((key, "messages", "t"), "m", None),
        SearchOp((key,)),
        SearchOp((key,), query="vault"),
        SearchOp((key, "messages"), query="vault"),
        SearchOp((key[:8],), query="vault"),
        SearchOp((), query="vault"),
        SearchOp(()),
        SearchOp((f"{key}.messages",), query="vault"),
        SearchOp((f"%{key[1:]}",)),
        ListNamespacesOp(),
        ListNamespacesOp(match_conditions=(MatchCondition("prefix", (key,)),)),
        ListNamespacesOp(match_conditions=(MatchCondition("prefix", ("*", "messages")),)),
        ListNamespacesOp(match_conditions=(MatchCondition("suffix", ("messages",)),)),
        GetOp(("threadkeep",), "secret"),
        SearchOp(("threadkeep",)),
        PutOp(("threadkeep",), "secret", {"secret": "00"}),
    ]


@pytest.mark.parametrize("number", range(19))
async def test_the_store_refuses_a_namespace_that_is_not_the_users(
    house: House, number: int
) -> None:
    store, op = OwnedStore(house.memory.opened.store), reach(house.owner)[number]
    bob = await user_key(house.memory.opened.store, "bob")
    for ops in ([op], [GetOp((bob, "facts"), "f"), op]):
        with acting_as("bob"), pytest.raises(AccessRefused):
            await store.abatch(ops)
        with pytest.raises(AccessRefused):
            await store.abatch(ops)
    await unharmed(house)


@pytest.mark.parametrize("label", ["a.b", "", 1, None, ("a",)])
async def test_a_label_that_could_be_a_separator_is_refused(house: House, label: Any) -> None:
    store = OwnedStore(house.memory.opened.store)
    for op in (GetOp((house.owner, label), "k"), PutOp((house.owner, label), "k", {})):
        with acting_as("ada"), pytest.raises(AccessRefused):
            await store.abatch([op])


async def test_a_users_own_namespaces_are_open_to_them(house: House) -> None:
    store = OwnedStore(house.memory.opened.store)
    with acting_as("ada"):
        found = await store.asearch(all_messages_of(house.owner), query="vault")
        assert SECRET in [item.value["text"] for item in found]
        assert await store.alist_namespaces(prefix=(house.owner,))
        await store.aput((house.owner, "facts"), "f", {"text": "mine"})
        assert await asyncio.to_thread(store.get, (house.owner, "facts"), "f")
        await store.adelete((house.owner, "facts"), "f")


async def test_an_import_for_one_user_writes_to_no_other(house: House, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text(
        '{"user": "ada", "thread": "trip", "role": "user", "text": "The vault opens with rose-1.",'
        ' "time": "2025-08-14T21:05:00+02:00"}\n'
    )
    settings = house.memory.settings
    if settings.item_database.kind == "memory":
        pytest.skip("not applicable: an import is a process of its own")
    await import_file(settings, lines, "jsonl", user="bob")
    await unharmed(house)
    bob = await user_key(house.memory.opened.store, "bob")
    found = await house.memory.opened.store.asearch(all_messages_of(bob), query="vault")
    assert "The vault opens with rose-1." in [item.value["text"] for item in found]
    with acting_as("ada"):
        found = await OwnedStore(house.memory.opened.store).asearch(
            all_messages_of(house.owner), query="rose vault"
        )
    assert found
    assert not [item for item in found if "rose-1" in item.value["text"]]


async def test_an_export_that_names_anothers_thread_becomes_ones_own(house: House) -> None:
    said = {"role": "user", "text": "mine", "position": 0, "before": "", "thread": house.thread}
    said |= {"time": "2026-03-04T09:30:00+00:00", "recorded_at": "2026-03-04T09:30:00+00:00"}
    words = {"type": "human", "data": {"content": "mine", "id": "m"}}
    for named in (True, False):
        file = io.BytesIO(
            file_of(
                {"kind": "thread", "id": house.thread, "named": named, "value": {"name": "trip"}},
                {"kind": "message", "thread": house.thread, "id": "m", "value": said},
                {"kind": "state", "thread": house.thread, "value": {"messages": [words]}},
                {"kind": "item", "namespace": [house.owner], "id": "i", "value": {"text": "x"}},
            )
        )
        summary = validate_export(file, "x")
        with acting_as("mallory"):
            await restore_export(house.memory.opened, file, summary, "mallory")
        key = await user_key(house.memory.opened.store, "mallory")
        spaces = await house.memory.opened.store.alist_namespaces(prefix=(key,), limit=100)
        assert (key, "messages", house.thread) not in spaces
        assert (key, house.owner) in spaces
    await unharmed(house)
    records = await house.memory.opened.store.alist_namespaces(
        prefix=(house.owner, "threads"), limit=9
    )
    assert len(records) == 1
