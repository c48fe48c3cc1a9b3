"""What all operations of a memory share: its parts, its user, its threads."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import acting_as, current_user
from threadkeep.base.validation import validate_id
from threadkeep.checkpoints.thread_records import list_records
from threadkeep.graph.agent import builder
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.open_turn import Thread
from threadkeep.opened import Opened
from threadkeep.stores.namespaces import thread_id_for, threads_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.turn import Graph

T = TypeVar("T")


class MemoryBase:
    """An opened memory without its operations."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.store = OwnedStore(opened.store)
        self.graph: Graph = builder.compile(
            checkpointer=opened.saver, store=self.store, name="threadkeep"
        )
        self.recovered: list[str] = []
        """Sentences about erasures that were finished when the memory was opened."""
        self._stopping = False

    @property
    def settings(self) -> Settings:
        """The settings it was opened with."""
        return self.opened.settings

    async def context(
        self,
        thread: str,
        values: Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
    ) -> Context:
        """Return the context of a run: `values`, else what the thread was set to, else defaults.

        None in `values` stands for the default of a field, whatever the thread was set to.

        Raises:
            BadInput: there is no such field, or a value is not allowed.
        """
        user = self._user(user_id)
        own = await self.thread_context(thread, user_id=user)
        merged = {**own, **(values or {}), "user_id": user}
        return Context.model_validate({k: v for k, v in merged.items() if v is not None})

    async def last_thread(self, purpose: str = "", *, user_id: str | None = None) -> str:
        """Return the name of the thread that was used last.

        Raises:
            BadInput: there is none; `purpose` ends the sentence.
        """
        async with self._acting(user_id) as (user, owner):
            records = await list_records(self.store, threads_of(owner), 1)
        if not records:
            purpose = purpose or "to continue; leave --continue out"
            raise BadInput(f"User {user!r} has no thread {purpose}.")
        return str(records[0].value["name"])

    async def thread(self, name: str, *, user_id: str | None = None) -> Thread:
        """Return the user's thread of that name, whether it exists or not."""
        user, name = self._user(user_id), validate_id(name, "thread")
        owner = await user_key(self.opened.store, user)
        return Thread(id=thread_id_for(owner, name), name=name, user_id=user)

    async def thread_context(self, thread: str, *, user_id: str | None = None) -> dict[str, Any]:
        """Return the fields of the context that were set for this thread."""
        async with self._acting(user_id) as (user, owner):
            ref = await self.thread(thread, user_id=user)
            record = await self.store.aget(threads_of(owner), ref.id, refresh_ttl=False)
        return dict(record.value.get("context") or {}) if record else {}

    async def state(self, thread: Thread) -> State:
        """Return the working state of a thread, an empty one where there is none."""
        values = (await self.graph.aget_state(thread.config())).values
        return State(**{key: item for key, item in values.items() if key in State.__annotations__})

    def _user(self, user_id: str | None) -> str:
        return validate_id(user_id, "user") if user_id is not None else current_user()

    def _is_stop(self, error: BaseException) -> bool:
        return isinstance(error, asyncio.CancelledError) and not self._stopping

    @asynccontextmanager
    async def _acting(self, user_id: str | None) -> AsyncIterator[tuple[str, str]]:
        """Act as the user; yield the user's id and owner key."""
        user = self._user(user_id)
        database = self.settings.checkpoint_database
        with (
            storage_errors(database),
            acting_as(user),
            self.opened.store.dependencies.in_use(),
        ):
            yield user, await user_key(self.opened.store, user)

    @asynccontextmanager
    async def _changing_facts(self, user_id: str | None) -> AsyncIterator[str]:
        async with (
            self._acting(user_id) as (_, owner),
            self.opened.locks.acquire(f"facts-{owner}", "of facts"),
        ):
            yield owner

    @asynccontextmanager
    async def _changing_pins(self, user_id: str | None) -> AsyncIterator[tuple[str, str]]:
        async with (
            self._acting(user_id) as (user, owner),
            self.opened.locks.acquire(f"pins-{owner}", "of pins"),
        ):
            yield user, owner

    @asynccontextmanager
    async def _hold(self, name: str, user_id: str | None) -> AsyncIterator[Thread]:
        """Hold a thread without a turn."""
        async with self._acting(user_id) as (user, _):
            thread = await self.thread(name, user_id=user)
            async with self.opened.locks.acquire(thread.id, thread.name):
                yield thread

    async def _act_for(self, user: str, iterator: AsyncIterator[T]) -> AsyncIterator[T]:
        """Yield what `iterator` yields; it acts as the user, whoever consumes it does not."""
        while True:
            with acting_as(user), self.opened.store.dependencies.in_use():
                try:
                    item = await anext(iterator)
                except StopAsyncIteration:
                    return
            yield item
