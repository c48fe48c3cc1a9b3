"""Threads: list, read, change, fork and undo."""

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig

from threadkeep.checkpoints.thread_records import NO_LIMIT, update_record
from threadkeep.checkpoints.thread_turns import COPY_NODE, turn_at
from threadkeep.knowledge import listing
from threadkeep.knowledge.fork import fork_stored_thread
from threadkeep.knowledge.listing import Row
from threadkeep.memory.base import MemoryBase
from threadkeep.prompt.plan import PromptPlan
from threadkeep.stores.namespaces import messages_of, threads_of, user_key
from threadkeep.thread_prompt import prompt_of_thread, state_of_stored_thread
from threadkeep.turn_recovery import (
    undo_in_journal,
)


class ThreadOperations(MemoryBase):
    """Operations on threads."""

    async def undo(self, thread: str, turns: int = 1, *, user_id: str | None = None) -> list[str]:
        """Take back the newest turns of a thread; return the user's messages, the oldest first.

        Raises:
            BadInput: the thread has not so many turns that can still be taken back.
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._hold(thread, user_id) as ref:
            owner = await user_key(self.opened.store, ref.user_id)
            return await undo_in_journal(self.graph, self.opened.turn_journal, owner, ref, turns)

    async def fork(
        self, thread: str, new: str, at: int | None = None, *, user_id: str | None = None
    ) -> str:
        """Begin the thread `new` with the first `at` turns of a thread, by default with all.

        The two are branches of one conversation: memory goes with the one that is used. Returns
        the id of the new thread.

        Raises:
            BadInput: there is no such thread or turn, or the new name is taken.
            ThreadBusy: a turn is open on one of them for too long.
        """
        async with self._hold(thread, user_id) as source, self._hold(new, user_id) as target:
            store, saver = self.opened.store, self.opened.saver
            owner = await user_key(store, source.user_id)
            record = await store.aget(threads_of(owner), source.id)
            total = int(record.value.get("turns") or 0) if record else 0
            state = await turn_at(self.graph, source.config(), source.name, total, at)
            await fork_stored_thread(store, owner, source.id, state.values, target.id, target.name)
            await saver.acopy_thread(source.id, target.id)
            copied = {**state.config["configurable"], "thread_id": target.id}
            await self.graph.aupdate_state({"configurable": copied}, None, COPY_NODE)
            return target.id

    async def update_state(
        self,
        thread: str,
        values: Mapping[str, Any] | None,
        as_node: str | None = None,
        checkpoint_id: str | None = None,
        *,
        user_id: str | None = None,
    ) -> RunnableConfig:
        """Change a thread's state from outside a run; memory follows. Return where it is then.

        Raises:
            InvalidUpdateError: the graph does not take the update.
            ThreadBusy: a turn is open on the thread for too long.
        """
        async with self._hold(thread, user_id) as ref:
            return await self.graph.aupdate_state(ref.config(checkpoint_id), values, as_node)

    async def threads(self, limit: int = 50, *, user_id: str | None = None) -> list[Row]:
        """Return the user's threads, the last used first."""
        async with self._acting(user_id) as (_, owner):
            return await listing.list_threads(self.store, owner, limit)

    async def messages(
        self, thread: str, limit: int = 1_000, *, user_id: str | None = None
    ) -> list[Row]:
        """Return the newest messages of a thread, in their order.

        Raises:
            BadInput: there is no such thread.
        """
        async with self._acting(user_id) as (user, owner):
            ref = await self.thread(thread, user_id=user)
            return await listing.list_messages(self.store, owner, ref.id, ref.name, limit)

    async def change_thread(
        self, thread: str, /, *, user_id: str | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Change the record of a thread; see `checkpoints.thread_records.update_record`.

        Raises:
            BadInput: there is no such thread, or a value is refused.
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._hold(thread, user_id) as ref:
            store = self.opened.store
            owner = await user_key(store, ref.user_id)
            record = await update_record(store, threads_of(owner), ref.id, **changes)
            if (minutes := changes.get("ttl_minutes")) is not None:
                await self.opened.saver.aset_ttl(ref.id, minutes)
                messages = messages_of(owner, ref.id)
                for item in await store.asearch(messages, limit=NO_LIMIT, refresh_ttl=False):
                    await store.aput(messages, item.key, item.value, ttl=minutes)
        return record

    async def has_open_turn(self, *names: str, user_id: str | None = None) -> bool:
        """Tell whether a turn is under way, or was cut off, on one of these threads."""
        owner = await user_key(self.opened.store, self._user(user_id))
        records = await self.opened.turn_journal.records(owner)
        return any(record.status == "open" and record.name in names for record in records)

    async def prompt(
        self,
        thread: str,
        context: Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
    ) -> PromptPlan:
        """Return what a model is shown of a thread as it stands, without calling it.

        Of a thread without a turn of its own, an imported one, its last message as if sent again.

        Raises:
            BadInput: there is no such thread.
        """
        async with self._acting(user_id) as (user, owner):
            ref, run_context = (
                await self.thread(thread, user_id=user),
                await self.context(thread, context, user_id=user),
            )
            state = await self.state(ref)
            if not state.messages:
                state = await state_of_stored_thread(self.store, owner, ref.id, ref.name)
            return await prompt_of_thread(self.opened.store, owner, ref.id, state, run_context)
