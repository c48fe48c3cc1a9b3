"""Names and ids are resolved among the memory of the user who asks."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from tests.backends import say_options
from tests.isolation.operations import REFUSED, AdaMemory, assert_unchanged
from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.checkpoints.thread_records import list_records
from threadkeep.erase.plan import Target
from threadkeep.graph.context import Context
from threadkeep.stores.namespaces import messages_of, thread_id, threads_of, user_key

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_undo_and_fork_resolve_names_among_own_threads_only(ada: AdaMemory) -> None:
    bob = Context(user_id="bob-who-has-nothing")
    with pytest.raises(BadInput, match="cannot be taken back"):
        await ada.memory.undo("trip", user_id=bob.user_id)
    with pytest.raises(BadInput, match="no finished turn"):
        await ada.memory.fork("trip", "mine", user_id=bob.user_id)
    await assert_unchanged(ada)


async def test_memory_of_another_user_cannot_be_erased_and_looks_absent(
    ada: AdaMemory,
) -> None:
    turn = await ada.memory.say("My dog is called Rufus.", thread="own", user_id="bob")
    await turn.finished()
    store, owner, bob = ada.memory.opened.store, ada.owner, Context(user_id="bob")
    messages = await store.asearch(messages_of(owner, ada.thread))
    entities = await store.asearch((owner, "entities"))
    pairs: list[tuple[Any, str, str]] = [("thread", ada.thread, "no-such-thread")]
    pairs += [(kind, item.key, "f" * 36) for item in messages for kind in ("message", "memory")]
    pairs += [(kind, item.key, "f" * 36) for item in entities for kind in ("entity", "memory")]
    pairs += [("message", messages[0].key[:8], "f" * 8), ("message", "", ""), ("message", "%", "_")]
    for kind, foreign, absent in pairs:
        sentences = []
        for name in (foreign, absent):
            with pytest.raises(BadInput) as error:
                await ada.memory.forget(Target(kind=kind, name=name), user_id=bob.user_id)
            sentences.append(str(error.value).replace(repr(name), "X"))
        assert sentences[0] == sentences[1]
    await ada.memory.delete_thread("trip", user_id=bob.user_id)
    await ada.memory.delete_thread(ada.thread, user_id=bob.user_id)
    await assert_unchanged(ada)
    receipt = await ada.memory.forget(Target(kind="user"), verify=True, user_id=bob.user_id)
    assert receipt.clean, receipt.found
    await assert_unchanged(ada)


async def test_an_id_of_another_users_memory_is_unknown(ada: AdaMemory) -> None:
    (message, *_) = await ada.memory.opened.store.asearch(messages_of(ada.owner, ada.thread))
    bob = Context(user_id="bob")
    for key in (message.key, message.key[:8], message.key[-8:], "", "%", "_", "*", "."):
        for call in (
            lambda key: ada.memory.correct(key, "mine", user_id="bob"),
            lambda key: ada.memory.pin(key, **say_options(bob)),
            lambda key: ada.memory.history(key, user_id="bob"),
        ):
            with pytest.raises(BadInput, match="You have no memory"):
                await call(key)
        with pytest.raises(BadInput, match="is pinned"):
            await ada.memory.unpin(key, user_id="bob")
    with pytest.raises(REFUSED):
        await ada.memory.why("trip", user_id=bob.user_id)
    assert await ada.memory.pins(**say_options(bob)) == []
    await assert_unchanged(ada)


async def test_a_thread_name_is_another_thread_for_each_user(ada: AdaMemory) -> None:
    ids = {
        thread_id(await user_key(ada.memory.opened.store, u), "trip") for u in ("ada", "bob", "Ada")
    }
    assert len(ids) == 3
    turn = await ada.memory.say("What does the vault open with?", thread="trip", user_id="bob")
    await turn.finished()
    assert "4711" not in turn.reply
    records = await list_records(
        ada.memory.opened.store, threads_of(await user_key(ada.memory.opened.store, "bob")), 10
    )
    assert ada.thread not in [record.key for record in records]


async def test_a_context_that_names_another_user_is_refused(ada: AdaMemory) -> None:
    for run in ({"user_id": "bob"}, {"langgraph_auth_user_id": "bob"}):
        with pytest.raises(AccessRefused):
            await ada.memory.graph.ainvoke(
                {"messages": [HumanMessage("What does the vault open with?")]},
                ada.config("bobs", **run),
                context=Context(user_id="ada"),
            )
    await assert_unchanged(ada)
