"""What is remembered: search, facts, entities, corrections and pins."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_message
from threadkeep.graph.context import Context
from threadkeep.knowledge import listing
from threadkeep.knowledge.corrections import CorrectionResult, correct_fact, correct_message
from threadkeep.knowledge.explanation import Explanation, explain
from threadkeep.knowledge.fact_listing import list_facts
from threadkeep.knowledge.identities import IdentityChange
from threadkeep.knowledge.identity_changes import (
    list_changes,
    merge_entities,
    split_entity,
    undo_identity,
)
from threadkeep.knowledge.listing import Row
from threadkeep.knowledge.pins import Pin, add_pin, list_pins, remove_pin
from threadkeep.knowledge.wording_history import Wording, history_of
from threadkeep.memory.base import MemoryBase
from threadkeep.stores.memory_ids import find_memory
from threadkeep.stores.namespaces import threads_of
from threadkeep.stores.usage import By, Usage


class MemoryOperations(MemoryBase):
    """Operations on what is remembered."""

    async def search(self, query: str, limit: int = 10, *, user_id: str | None = None) -> list[Row]:
        """Return the messages, entities and facts that answer `query`, the best first."""
        query = validate_message(query)
        async with self._acting(user_id) as (_, owner):
            return await listing.search_all(self.store, owner, query, limit)

    async def facts(
        self,
        limit: int = 100,
        *,
        history: bool = False,
        as_of: str | None = None,
        told_by: str | None = None,
        about: str | None = None,
        user_id: str | None = None,
    ) -> list[Row]:
        """Return what is known, by subject: what holds at `as_of`, by default now, and plans.

        `history` returns all; `told_by` leaves out what was said later; both times are ISO 8601,
        a year, a month, a day or a moment. `about` is the name of a subject or an object. The
        `status` of a row is `holds`, `planned`, `denied`, `over` or `corrected`.

        Raises:
            BadInput: a time cannot be read.
        """
        async with self._acting(user_id) as (_, owner):
            return await list_facts(
                self.store, owner, limit, history=history, as_of=as_of, told_by=told_by, about=about
            )

    async def entities(self, limit: int = 100, *, user_id: str | None = None) -> list[Row]:
        """Return people, places and things, the most mentioned first."""
        async with self._acting(user_id) as (_, owner):
            return await listing.list_entities(self.store, owner, limit)

    async def merge_entities(
        self, name: str, other: str, *, user_id: str | None = None
    ) -> IdentityChange:
        """Let `other` be another name of the entity `name`, with all that is known of both.

        Both are names or ids. `undo_entity_change` takes it back.

        Raises:
            BadInput: nothing is known of `name`, or they are one already.
        """
        async with self._changing_facts(user_id) as owner:
            return await merge_entities(self.store, owner, name, other)

    async def split_entity(
        self,
        name: str,
        new: str | None = None,
        messages: Sequence[str] = (),
        *,
        user_id: str | None = None,
    ) -> IdentityChange:
        """Let another name of an entity be an entity of its own.

        With `new` and `messages`, ids, the name means an entity called `new` in these messages:
        two people of one name.

        Raises:
            BadInput: it is no other name, or the messages do not name it.
        """
        async with self._changing_facts(user_id) as owner:
            return await split_entity(self.store, owner, name, new, messages)

    async def undo_entity_change(
        self, change: str, *, user_id: str | None = None
    ) -> IdentityChange:
        """Take back a merge or a split by its id, or the beginning of it; all is as before.

        Raises:
            BadInput: there is no such change, or it is taken back already.
        """
        async with self._changing_facts(user_id) as owner:
            return await undo_identity(self.store, owner, change)

    async def entity_changes(self, *, user_id: str | None = None) -> list[IdentityChange]:
        """Return the merges and splits of entities, the oldest first."""
        async with self._acting(user_id) as (_, owner):
            return await list_changes(self.store, owner)

    async def why(self, thread: str | None = None, *, user_id: str | None = None) -> Explanation:
        """Return what the last answer of a thread rests on; by default of the last used thread.

        Raises:
            BadInput: there is no such thread, or no answer in it.
        """
        async with self._acting(user_id) as (user, owner):
            if thread is None:
                purpose = "to ask about; begin one with threadkeep ask"
                thread = await self.last_thread(purpose, user_id=user)
            ref = await self.thread(thread, user_id=user)
            state = await self.state(ref)
            if not state.messages:
                raise BadInput(
                    f"User {user!r} has no thread {thread!r} with an answer; "
                    "see threadkeep threads list for the names."
                )
            return await explain(self.store, owner, state, thread)

    async def correct(
        self, memory_id: str, text: str, *, user_id: str | None = None
    ) -> CorrectionResult:
        """Let a message or a fact say `text` from now on; its old wording stays in its history.

        `memory_id` is an id, or the beginning or end of one.

        Raises:
            BadInput: there is no such memory, or it cannot say that.
            ThreadBusy: a turn is open for too long on a thread that holds the message.
        """
        locks = self.opened.locks
        async with self._acting(user_id) as (_, owner):
            memory = await find_memory(self.store, owner, memory_id)
            if memory.kind != "message":
                async with locks.acquire(f"facts-{owner}", "of facts"):
                    return await correct_fact(self.store, owner, memory, text)
            async with AsyncExitStack() as stack:
                for thread in sorted(str(item.namespace[2]) for item in memory.items):
                    record = await self.store.aget(threads_of(owner), thread)
                    name = str(record.value.get("name") or thread) if record else thread
                    await stack.enter_async_context(locks.acquire(thread, name))
                return await correct_message(self.store, owner, memory, text)

    async def history(self, memory_id: str, *, user_id: str | None = None) -> list[Wording]:
        """Return what a memory has said, the oldest wording first.

        Raises:
            BadInput: there is no such memory.
        """
        async with self._acting(user_id) as (_, owner):
            memory = await find_memory(self.store, owner, memory_id)
            return await history_of(self.store, owner, memory)

    async def pin(
        self,
        memory_id: str,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Pin:
        """Show a memory to the model in every turn; return its pin.

        Raises:
            BadInput: there is no such memory, or there are too many pins.
        """
        async with self._changing_pins(user_id) as (user, owner):
            memory = await find_memory(self.store, owner, memory_id)
            await add_pin(self.store, owner, memory)
            pins = await list_pins(self.store, owner, _context_of(user, context))
            return next(pin for pin in pins if pin["id"] == memory.id)

    async def unpin(self, memory_id: str, *, user_id: str | None = None) -> str:
        """Show a memory only when it is recalled; return its id.

        Raises:
            BadInput: no such memory is pinned.
        """
        async with self._changing_pins(user_id) as (_, owner):
            return await remove_pin(self.store, owner, memory_id)

    async def pins(
        self, *, context: Mapping[str, Any] | None = None, user_id: str | None = None
    ) -> list[Pin]:
        """Return what is pinned, the earliest pin first; `context` decides what fits."""
        async with self._acting(user_id) as (user, owner):
            return await list_pins(self.store, owner, _context_of(user, context))

    async def usage(self, by: By = "day", *, user_id: str | None = None) -> dict[str, Usage]:
        """Return what calls to models took, in tokens, by name, the total last."""
        async with self._acting(user_id) as (_, owner):
            return await listing.usage_rows(self.store, owner, by)


def _context_of(user: str, values: Mapping[str, Any] | None) -> Context:
    return Context.model_validate({**(values or {}), "user_id": user})
