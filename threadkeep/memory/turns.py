"""Turns: say something, send it again, finish what was cut off."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import StreamMode

from threadkeep.base.errors import BadInput
from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input
from threadkeep.knowledge.listing import Row
from threadkeep.memory.base import MemoryBase
from threadkeep.prompt.run_model import choice_of
from threadkeep.stores.namespaces import user_key
from threadkeep.turn import Event, Turn, start_run
from threadkeep.turn_recovery import (
    message_to_retry,
    recover_turns,
    take_back_unanswered,
    unanswered_row,
)


class TurnOperations(MemoryBase):
    """Operations on turns."""

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""
        return self.opened.store.notice

    async def model_notice(self, context: Mapping[str, Any], *, user_id: str | None = None) -> str:
        """Return a sentence about a model that nobody named and that was found, or nothing."""
        run_context = _context_of(self._user(user_id), context)
        choice = await choice_of(run_context, self.opened.store)
        return f"Model {choice.reason}; --no-probe looks for none." if choice.discovered else ""

    async def say(
        self,
        text: str,
        *,
        thread: str | None = None,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Turn:
        """Begin a turn with the user's message; iterate over the turn for the reply.

        `thread` is the thread's name, by default a new one. `context` holds fields of `Context`,
        such as `model`, `memory` or `max_tokens`; they win over what the thread was set to.

        Raises:
            BadInput: the message, the name or a field of the context is refused.
            ThreadBusy: another process has a turn open on the thread for too long.
        """
        message = HumanMessage(validate_message(text))
        name = validate_id(thread, "thread") if thread is not None else new_thread_name()
        run_context = await self.context(name, context, user_id=user_id)
        return Turn(await self.start_run(run_context, name, {"messages": [message]}), name)

    async def recover(self, *, limit: float | None = None, user_id: str | None = None) -> list[str]:
        """Finish the turns of a user that a crash cut off; return a sentence about each.

        A turn that takes more than `limit` seconds is left to the next start. One that fails is
        told once, and then waits for its user's `retry` or `discard`. Never raises what a turn
        raises.
        """
        sentences, self.recovered = self.recovered, []
        user = self._user(user_id)
        owner = await user_key(self.opened.store, user)

        async def start(name: str) -> AsyncIterator[Event]:
            context = Context(user_id=user)
            return await self.start_run(context, name, None, wait=0.0, recovers=True)

        turns = await recover_turns(self.opened.turn_journal, owner, start, limit)
        return [*sentences, *turns]

    async def unanswered(self, *, user_id: str | None = None) -> list[Row]:
        """Return the user's threads with messages that got no answer.

        Each row has `thread`, `thread_id`, `messages` (the oldest first), `reason`, `sentence`.
        """
        owner = await user_key(self.opened.store, self._user(user_id))
        records = await self.opened.turn_journal.records(owner)
        return [unanswered_row(record) for record in records if record.waits]

    async def retry(
        self,
        thread: str,
        *,
        context: Mapping[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Turn:
        """Send a message of a thread that got no answer again, the newest turn's first.

        Raises:
            BadInput: the thread has none.
        """
        ref = await self.thread(thread, user_id=user_id)
        owner = await user_key(self.opened.store, ref.user_id)
        record = await self.opened.turn_journal.read(owner, ref.id)
        values = message_to_retry(record, ref.name)
        run_context = await self.context(ref.name, context, user_id=user_id)
        return Turn(await self.start_run(run_context, ref.name, values), ref.name)

    async def discard(self, thread: str, *, user_id: str | None = None) -> list[str]:
        """Drop the messages of a thread that got no answer; return them, the oldest first.

        Raises:
            BadInput: the thread has none.
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._hold(thread, user_id) as ref:
            journal = self.opened.turn_journal
            owner = await user_key(self.opened.store, ref.user_id)
            record = await journal.read(owner, ref.id)
            if record is None or not record.waits:
                raise BadInput(f"Thread {ref.name!r} has no message without an answer.")
            if record.status == "failed":
                await take_back_unanswered(self.graph, ref, record)
            await journal.delete(owner, ref.id)
        return record.unanswered

    async def start_run(
        self,
        context: Context,
        name: str,
        values: Input | None,
        *,
        wait: float = WAIT_SECONDS,
        modes: Sequence[StreamMode] = ("messages", "updates"),
        checkpoint_id: str | None = None,
        run_config: RunnableConfig | None = None,
        output_only: bool = False,
        recovers: bool = False,
    ) -> AsyncIterator[Event]:
        """Take the thread and return a run of the graph; see `turn.start_run`.

        Raises:
            BadInput: the name is refused.
            ThreadBusy: somebody else holds the thread for `wait` seconds.
        """
        with self.opened.store.dependencies.in_use():
            return await start_run(
                self.opened,
                self.graph,
                context,
                await self.thread(name, user_id=context.user_id),
                values,
                is_stop=(lambda error: False) if recovers else self._is_stop,
                wait=wait,
                modes=modes,
                checkpoint_id=checkpoint_id,
                run_config=run_config,
                output_only=output_only,
                recovers=recovers,
            )

    def stop(self) -> None:
        """Leave turns that are cancelled from now on to the next start, which finishes them."""
        self._stopping = True


def _context_of(user: str, values: Mapping[str, Any] | None) -> Context:
    return Context.model_validate({**(values or {}), "user_id": user})
