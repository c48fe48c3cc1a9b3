"""What a user asks of their memory and changes in it, with whatever thread that concerns held."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from langgraph.store.base import BaseStore

from threadkeep.base.errors import BadInput
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import acting_as
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.corrections import CorrectionResult, correct_fact, correct_message
from threadkeep.knowledge.explanation import Explanation, explain
from threadkeep.knowledge.pins import Pin, add_pin, list_pins, remove_pin
from threadkeep.knowledge.wording_history import Wording, history_of
from threadkeep.stores.memory_ids import find_memory
from threadkeep.stores.namespaces import threads_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.turn_agent import Agent


async def why(agent: Agent, context: Context, name: str) -> Explanation:
    """Return what the last answer of a thread rests on.

    Raises:
        BadInput: there is no such thread, or no answer in it.
    """
    async with _asking(agent, context.user_id) as (store, owner):
        config = await agent.config(context, name)
        found = (await agent.graph.aget_state(config)).values
        if not found.get("messages"):
            raise BadInput(
                f"User {context.user_id!r} has no thread {name!r} with an answer; "
                "see threadkeep threads list for the names."
            )
        kept = {key: value for key, value in found.items() if key in State.__annotations__}
        return await explain(store, owner, State(**kept), name)


async def correct(agent: Agent, user: str, given: str, text: str) -> CorrectionResult:
    """Let a message or a fact say `text` from now on; what it said stays in its history.

    Raises:
        BadInput: there is no such memory, or it cannot say that.
        ThreadBusy: a turn is open for too long on a thread that holds the message.
    """
    async with _asking(agent, user) as (store, owner):
        meant = await find_memory(store, owner, given)
        if meant.kind != "message":
            async with agent.locks.acquire(f"facts-{owner}", "of facts"):
                return await correct_fact(store, owner, meant, text)
        async with AsyncExitStack() as held:
            for thread in sorted(str(item.namespace[2]) for item in meant.items):
                record = await store.aget(threads_of(owner), thread)
                called = str(record.value.get("name") or thread) if record else thread
                await held.enter_async_context(agent.locks.acquire(thread, called))
            return await correct_message(store, owner, meant, text)


async def pin(agent: Agent, context: Context, given: str) -> Pin:
    """Let a memory always be shown; return its pin.

    Raises:
        BadInput: there is no such memory, or there are too many pins.
    """
    async with _changing_pins(agent, context.user_id) as (store, owner):
        meant = await find_memory(store, owner, given)
        await add_pin(store, owner, meant)
        pins = await list_pins(store, owner, context)
        return next(each for each in pins if each["id"] == meant.id)


async def unpin(agent: Agent, user: str, given: str) -> str:
    """Let a memory no longer always be shown; return its id.

    Raises:
        BadInput: no such memory is pinned.
    """
    async with _changing_pins(agent, user) as (store, owner):
        return await remove_pin(store, owner, given)


async def pins(agent: Agent, context: Context) -> list[Pin]:
    """Return what a user has pinned, the earliest pin first."""
    async with _asking(agent, context.user_id) as (store, owner):
        return await list_pins(store, owner, context)


async def history(agent: Agent, user: str, given: str) -> list[Wording]:
    """Return what a memory has said, the oldest wording first.

    Raises:
        BadInput: there is no such memory.
    """
    async with _asking(agent, user) as (store, owner):
        return await history_of(store, owner, await find_memory(store, owner, given))


@asynccontextmanager
async def _asking(agent: Agent, user: str) -> AsyncIterator[tuple[BaseStore, str]]:
    """Yield the user's own store and key."""
    with storage_errors(agent.settings.checkpoint_database), acting_as(user):
        yield OwnedStore(agent.store), await user_key(agent.store, user)


@asynccontextmanager
async def _changing_pins(agent: Agent, user: str) -> AsyncIterator[tuple[BaseStore, str]]:
    async with (
        _asking(agent, user) as (store, owner),
        agent.locks.acquire(f"pins-{owner}", "of pins"),
    ):
        yield store, owner
