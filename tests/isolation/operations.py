"""Every operation on a memory, as another user might try it on that of `ada`.

A new operation (a route, an export, a command) joins `OPERATIONS`.
"""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import Item

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.thread_turns import undo_turns
from threadkeep.erase.erase import erase
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.corrections import correct_message
from threadkeep.knowledge.explanation import explain
from threadkeep.knowledge.identity_changes import (
    list_changes,
    merge_entities,
    split_entity,
    undo_identity,
)
from threadkeep.knowledge.pins import add_pin, list_pins, remove_pin
from threadkeep.knowledge.wording_history import history_of
from threadkeep.memory import Memory
from threadkeep.stores.memory_ids import MemoryMatch, find_memory, find_messages
from threadkeep.stores.namespaces import messages_of
from threadkeep.stores.owned import OwnedStore
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_format import Checksum, format_record
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.report import report_html
from threadkeep.transfer.restore import restore_export

SECRET = "The vault opens with tulip-4711."
REFUSED = (AccessRefused, BadInput)
"""Both are a refusal: an id may be invalid before it is another user's."""


def file_of(*records: dict[str, Any]) -> bytes:
    """Return a forged export of Ada's."""
    header = {
        "kind": "header",
        "schema": "threadkeep-export",
        "version": 1,
        "created": "2026-03-04T09:30:00+00:00",
        "user": "ada",
    }
    checksum, lines = Checksum(), [format_record(record) for record in (header, *records)]
    for line in lines:
        checksum.add(line.encode())
    end = {"kind": "end", "records": checksum.records, "sha256": checksum.hexdigest}
    lines.append(format_record(end))
    return "".join(lines).encode()


ADA_EXPORT = file_of()


@dataclass
class AdaMemory:
    """The memory of the user `ada`: a thread with a secret."""

    memory: Memory
    thread: str
    owner: str

    @property
    def saver(self) -> OwnedSaver:
        return self.memory.opened.saver

    def config(self, thread: str | None = None, **run: Any) -> RunnableConfig:
        return {"configurable": {"thread_id": thread or self.thread, "checkpoint_ns": "", **run}}


async def assert_unchanged(ada: AdaMemory) -> None:
    """Check that all of Ada's memory is there, and nothing of another user's."""
    state = await ada.memory.graph.aget_state(ada.config(user_id="ada"))
    assert state.values["messages"][0].text == SECRET
    assert len(state.values["messages"]) == 2
    messages = await ada.memory.opened.store.asearch(messages_of(ada.owner, ada.thread))
    assert SECRET in [item.value["text"] for item in messages]


async def collect(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


Operation = Callable[[AdaMemory, dict[str, Any]], Awaitable[Any]]


async def put(ada: AdaMemory, run: dict[str, Any]) -> None:
    with acting_as("ada"):
        newest = await ada.saver.aget_tuple(ada.config())
    assert newest is not None
    await ada.saver.aput(ada.config(**run), newest.checkpoint, {"source": "update"}, {})


async def put_writes(ada: AdaMemory, run: dict[str, Any]) -> None:
    config = ada.config(checkpoint_id="1f000000-0000-6000-8000-000000000000", **run)
    await ada.saver.aput_writes(config, [("messages", "mine")], "task")


async def update_state(ada: AdaMemory, run: dict[str, Any]) -> None:
    words = {"messages": [HumanMessage("mine")]}
    await ada.memory.graph.aupdate_state(ada.config(**run), words, as_node="call_model")


async def export(ada: AdaMemory, _: dict[str, Any]) -> None:
    await collect(export_user(ada.memory.opened, "ada"))


async def report(ada: AdaMemory, _: dict[str, Any]) -> None:
    await collect(report_html(ada.memory.opened, "ada"))


async def import_export(ada: AdaMemory, _: dict[str, Any]) -> None:
    file = io.BytesIO(ADA_EXPORT)
    await restore_export(ada.memory.opened, file, validate_export(file, "x"), "ada")


async def forget(ada: AdaMemory, _: dict[str, Any]) -> None:
    await erase(ada.memory.opened, "ada", Target(kind="user"))


async def run_turn(ada: AdaMemory, run: dict[str, Any]) -> None:
    user = run.get("user_id", "bob")
    await ada.memory.graph.ainvoke(
        {"messages": [HumanMessage("What opens the vault?")]},
        ada.config(**run),
        context=Context(user_id=user),
    )


def ada_message(ada: AdaMemory) -> MemoryMatch:
    """Return Ada's message as an operation resolves it."""
    value = {"text": SECRET, "role": "user", "position": 0, "thread": ada.thread}
    place = {"namespace": messages_of(ada.owner, ada.thread), "key": "m"}
    item = Item(value=value, created_at="2026-01-01", updated_at="2026-01-01", **place)  # type: ignore[arg-type]
    return MemoryMatch(kind="message", id="m", items=[item])


async def why_of(ada: AdaMemory, _: dict[str, Any]) -> None:
    messages: list[AnyMessage] = [HumanMessage("?", id="q"), AIMessage("!", id="a")]
    places = [["messages", ada.thread, "m"]]
    state = State(messages=messages, recalled=[{"before": "q", "places": places}])
    await explain(OwnedStore(ada.memory.opened.store), ada.owner, state, "trip")


BY_CONFIG: dict[str, Operation] = {
    "get": lambda ada, run: ada.saver.aget_tuple(ada.config(**run)),
    "get by checkpoint": lambda ada, run: ada.saver.aget_tuple(
        ada.config(checkpoint_id="1f000000-0000-6000-8000-000000000000", **run)
    ),
    "list": lambda ada, run: collect(ada.saver.alist(ada.config(**run))),
    "put": put,
    "put writes": put_writes,
    "state": lambda ada, run: ada.memory.graph.aget_state(ada.config(**run)),
    "history": lambda ada, run: collect(ada.memory.graph.aget_state_history(ada.config(**run))),
    "update": update_state,
    "fork": lambda ada, run: ada.memory.graph.aupdate_state(ada.config(**run), None, "__copy__"),
    "undo": lambda ada, run: undo_turns(ada.memory.graph, ada.config(**run), "trip", 1),
    "run": run_turn,
}
BY_ACTING_USER: dict[str, Operation] = {
    "delete": lambda ada, _: ada.saver.adelete_thread(ada.thread),
    "copy from": lambda ada, _: ada.saver.acopy_thread(ada.thread, "a-thread-of-bob"),
    "copy to": lambda ada, _: ada.saver.acopy_thread("a-thread-of-bob", ada.thread),
    "prune": lambda ada, _: ada.saver.aprune([ada.thread]),
    "prune all": lambda ada, _: ada.saver.aprune([ada.thread], strategy="delete"),
    "prune among others": lambda ada, _: ada.saver.aprune(["t", ada.thread]),
    "prune turns": lambda ada, _: ada.saver.aprune_turns(ada.thread, 1),
    "export": export,
    "forget": forget,
    "import": import_export,
    "report": report,
    "find by id": lambda ada, _: find_memory(ada.memory.opened.store, ada.owner, "a"),
    "sources by id": lambda ada, _: find_messages(ada.memory.opened.store, ada.owner, ["a"]),
    "why": why_of,
    "history of a memory": lambda ada, _: history_of(
        OwnedStore(ada.memory.opened.store),
        ada.owner,
        MemoryMatch(kind="fact", id="f", items=ada_message(ada).items),
    ),
    "correct": lambda ada, _: correct_message(
        OwnedStore(ada.memory.opened.store), ada.owner, ada_message(ada), "mine"
    ),
    "merge entities": lambda ada, _: merge_entities(
        OwnedStore(ada.memory.opened.store), ada.owner, "a", "b"
    ),
    "split an entity": lambda ada, _: split_entity(
        OwnedStore(ada.memory.opened.store), ada.owner, "a", None, []
    ),
    "undo a merge": lambda ada, _: undo_identity(
        OwnedStore(ada.memory.opened.store), ada.owner, "a"
    ),
    "merges": lambda ada, _: list_changes(OwnedStore(ada.memory.opened.store), ada.owner),
    "pin": lambda ada, _: add_pin(OwnedStore(ada.memory.opened.store), ada.owner, ada_message(ada)),
    "unpin": lambda ada, _: remove_pin(OwnedStore(ada.memory.opened.store), ada.owner, "m"),
    "pins": lambda ada, _: list_pins(
        OwnedStore(ada.memory.opened.store), ada.owner, Context(user_id="ada")
    ),
    "time to live": lambda ada, _: ada.saver.aset_ttl(ada.thread, 0.0001),
}
OPERATIONS = BY_CONFIG | BY_ACTING_USER
