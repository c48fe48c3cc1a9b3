"""The store gives namespaces to their owner, and imports write to one user."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp

from tests.isolation.operations import SECRET, AdaMemory, assert_unchanged, file_of
from threadkeep.base.errors import AccessRefused
from threadkeep.base.user import acting_as
from threadkeep.cli.import_file import import_file
from threadkeep.stores.namespaces import all_messages_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.transfer.export_reader import validate_export
from threadkeep.transfer.restore import restore_export

pytestmark = pytest.mark.asyncio(loop_scope="module")


def foreign_operations(key: str) -> list[Op]:
    """Return operations that try to reach the namespaces below another user's key."""
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
async def test_the_store_refuses_namespaces_of_other_users(ada: AdaMemory, number: int) -> None:
    store, op = OwnedStore(ada.memory.opened.store), foreign_operations(ada.owner)[number]
    bob = await user_key(ada.memory.opened.store, "bob")
    for ops in ([op], [GetOp((bob, "facts"), "f"), op]):
        with acting_as("bob"), pytest.raises(AccessRefused):
            await store.abatch(ops)
        with pytest.raises(AccessRefused):
            await store.abatch(ops)
    await assert_unchanged(ada)


@pytest.mark.parametrize("label", ["a.b", "", 1, None, ("a",)])
async def test_a_label_that_could_be_a_separator_is_refused(ada: AdaMemory, label: Any) -> None:
    store = OwnedStore(ada.memory.opened.store)
    for op in (GetOp((ada.owner, label), "k"), PutOp((ada.owner, label), "k", {})):
        with acting_as("ada"), pytest.raises(AccessRefused):
            await store.abatch([op])


async def test_a_user_reads_and_writes_their_own_namespaces(ada: AdaMemory) -> None:
    store = OwnedStore(ada.memory.opened.store)
    with acting_as("ada"):
        matches = await store.asearch(all_messages_of(ada.owner), query="vault")
        assert SECRET in [item.value["text"] for item in matches]
        assert await store.alist_namespaces(prefix=(ada.owner,))
        await store.aput((ada.owner, "own"), "f", {"text": "mine"})
        assert await asyncio.to_thread(store.get, (ada.owner, "own"), "f")
        await store.adelete((ada.owner, "own"), "f")


async def test_an_import_for_one_user_writes_to_no_other_user(
    ada: AdaMemory, tmp_path: Path
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text(
        '{"user": "ada", "thread": "trip", "role": "user", "text": "The vault opens with rose-1.",'
        ' "time": "2025-08-14T21:05:00+02:00"}\n'
    )
    settings = ada.memory.settings
    if settings.item_database.kind == "memory":
        pytest.skip("not applicable: an import is a process of its own")
    await import_file(settings, lines, "jsonl", user="bob")
    await assert_unchanged(ada)
    bob = await user_key(ada.memory.opened.store, "bob")
    matches = await ada.memory.opened.store.asearch(all_messages_of(bob), query="vault")
    assert "The vault opens with rose-1." in [item.value["text"] for item in matches]
    with acting_as("ada"):
        matches = await OwnedStore(ada.memory.opened.store).asearch(
            all_messages_of(ada.owner), query="rose vault"
        )
    assert matches
    assert not [item for item in matches if "rose-1" in item.value["text"]]


async def test_an_export_with_another_users_thread_is_restored_as_an_own_one(
    ada: AdaMemory,
) -> None:
    message = {"role": "user", "text": "mine", "position": 0, "before": "", "thread": ada.thread}
    message |= {"time": "2026-03-04T09:30:00+00:00", "recorded_at": "2026-03-04T09:30:00+00:00"}
    words = {"type": "human", "data": {"content": "mine", "id": "m"}}
    for has_name in (True, False):
        file = io.BytesIO(
            file_of(
                {"kind": "thread", "id": ada.thread, "named": has_name, "value": {"name": "trip"}},
                {"kind": "message", "thread": ada.thread, "id": "m", "value": message},
                {"kind": "state", "thread": ada.thread, "value": {"messages": [words]}},
                {"kind": "item", "namespace": [ada.owner], "id": "i", "value": {"text": "x"}},
            )
        )
        summary = validate_export(file, "x")
        with acting_as("mallory"):
            await restore_export(ada.memory.opened, file, summary, "mallory")
        key = await user_key(ada.memory.opened.store, "mallory")
        spaces = await ada.memory.opened.store.alist_namespaces(prefix=(key,), limit=100)
        assert (key, "messages", ada.thread) not in spaces
        assert (key, ada.owner) in spaces
    await assert_unchanged(ada)
    records = await ada.memory.opened.store.alist_namespaces(prefix=(ada.owner, "threads"), limit=9)
    assert len(records) == 1
