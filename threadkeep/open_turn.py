"""The lifecycle of one turn: lock, journal, earlier turns without an answer, prune, unlock."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from contextvars import Context as Variables
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from threadkeep.base.cancellation import uninterrupted
from threadkeep.base.errors import BadInput
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import USER_KEY, acting_as
from threadkeep.checkpoints.locks import WAIT_SECONDS, ThreadLock
from threadkeep.checkpoints.savers import MAX_TURNS
from threadkeep.checkpoints.thread_turns import pending_nodes, undo_turns
from threadkeep.checkpoints.turn_journal import MAX_SET_ASIDE, TurnRecord
from threadkeep.graph.agent import BOOKKEEPING
from threadkeep.graph.context import Context
from threadkeep.opened import Opened
from threadkeep.stores.namespaces import user_key
from threadkeep.turn_failures import failed_record, is_transient
from threadkeep.turn_text import new_text, same_text, text_of

log = logging.getLogger(__name__)
T = TypeVar("T")
AnyGraph = CompiledStateGraph[Any, Any, Any, Any]

MAX_ATTEMPTS = 3
"""How often a turn that was cut off is tried again without its user."""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """One user's thread: its id in the checkpoints, and the name a person gave it."""

    id: str
    name: str
    user_id: str

    def config(self, checkpoint_id: str | None = None) -> RunnableConfig:
        """Return the config of a run, or with a checkpoint of what reads or changes that state."""
        place = {"checkpoint_id": checkpoint_id} if checkpoint_id else {}
        return {
            "configurable": {"thread_id": self.id, "checkpoint_ns": "", USER_KEY: self.user_id}
            | place,
            "metadata": {"thread_name": self.name},
        }


@asynccontextmanager
async def open_turn(
    opened: Opened,
    graph: AnyGraph,
    context: Context,
    thread: Thread,
    *,
    is_stop: Callable[[BaseException], bool],
    wait: float = WAIT_SECONDS,
    recovers: bool = False,
) -> AsyncIterator["OpenTurn"]:
    """Hold a thread for one turn; the turn stands in the journal until it is finished.

    `is_stop` tells which errors mean that its user gave it up. At the end the checkpoints
    of old turns are pruned and the thread is released, whatever happened.

    Raises:
        ThreadBusy: somebody else holds the thread for `wait` seconds.
        StorageFailed: a database cannot be used.
    """
    with storage_errors(opened.settings.checkpoint_database):
        async with opened.locks.acquire(thread.id, thread.name, wait=wait) as lock:
            owner = await user_key(opened.store, context.user_id)
            turn = OpenTurn(opened, graph, context, thread, owner, lock, recovers=recovers)
            try:
                yield turn
            except BaseException as error:
                if turn.has_begun:
                    await uninterrupted(turn.fail(error, stopped=is_stop(error)))
                raise
            await turn.finish()
            with acting_as(context.user_id):
                await opened.saver.aprune_turns(thread.id, MAX_TURNS, whole=1)


class OpenTurn:
    """A turn whose thread is held."""

    def __init__(
        self,
        opened: Opened,
        graph: AnyGraph,
        context: Context,
        thread: Thread,
        owner: str,
        lock: ThreadLock,
        *,
        recovers: bool,
    ) -> None:
        self.lock = lock
        self.record = TurnRecord(owner=owner, thread=thread.id, name=thread.name)
        """Its record in the journal."""
        self.has_begun = False
        self._recovers = recovers
        self._graph, self._context, self._thread = graph, context, thread
        self._journal = opened.turn_journal
        self._is_lost = False
        """Whether the message that is to be recovered is in no state."""

    async def begin(self, values: T | None, *, goes_on: bool = True) -> T | None:
        """Record that the turn begins; return its input, None where a cut-off turn goes on.

        An unanswered message that is sent again is the same message. One that the provider
        refused is set aside, so that it cannot keep the thread from going on. `goes_on` False
        means that the turn begins at an earlier state of the thread.
        """
        previous = await self._journal.read(self.record.owner, self.record.thread)
        text = new_text(values)
        self.record, self.has_begun = replace(self.record, text=text), True
        if previous is None:
            await self._journal.write(self.record)
            return values
        set_aside = [aside for aside in previous.set_aside if not same_text(aside, text)]
        self.record = replace(self.record, set_aside=tuple(set_aside))
        if values is None or same_text(text, previous.text):
            self.record = replace(
                self.record,
                text=previous.text,
                earlier=previous.earlier,
                attempts=previous.attempts + self._recovers,
            )
        await self._journal.write(self.record)
        if previous.status == "answered" or not goes_on:
            return values
        return await self._go_on(previous, values, text)

    async def finish(self) -> None:
        """Record that the turn is finished; keep the messages that wait for a retry."""
        if not self.has_begun:
            return
        record = self.record
        if self._is_lost and record.text:
            reason = "It was cut off before it was stored."
            await self._journal.write(replace(record, status="failed", reason=reason))
        elif record.set_aside:
            answered = replace(record, status="answered", text="", earlier=(), attempts=0)
            await self._journal.write(answered)
        else:
            await self._journal.delete(record.owner, record.thread)

    async def fail(self, error: BaseException, *, stopped: bool) -> None:
        """Record how the turn failed; input that was refused is not kept."""
        record = self.record
        with suppress(Exception):  # What cannot be recorded now is examined by the next start.
            pending = await _in_empty_context(pending_nodes(self._graph, self._thread.config()))
            is_answered = bool(pending) and pending <= {*BOOKKEEPING}
            if stopped:
                if not is_answered:  # Else the next start finishes what follows the reply.
                    await self._journal.write(replace(record, status="stopped"))
            elif not isinstance(error, Exception):
                return  # The process stops: the next start finishes the turn.
            elif isinstance(error, BadInput) and not (self._recovers or is_answered):
                await self._refuse(in_state=bool(pending))
            elif is_answered or (self._recovers and is_transient(error)):
                if record.attempts >= MAX_ATTEMPTS:
                    await self._journal.write(failed_record(record, error))
            else:
                await self._journal.write(failed_record(record, error))

    async def _go_on(self, previous: TurnRecord, values: T | None, text: str) -> T | None:
        """Return the input of a turn that stands on one which is not finished."""
        try:
            pending = await _in_empty_context(pending_nodes(self._graph, self._thread.config()))
        except Exception:
            if values is None:
                raise
            log.warning("The turn before cannot be read", exc_info=True)
            return values
        if not pending:
            if not await self._has_message(previous.text):
                self._is_lost = values is None
                if values is not None and previous.status == "failed":
                    await self._set_aside(previous, text)
        elif pending <= {*BOOKKEEPING}:
            if values is not None:
                await self._finish_bookkeeping()
        elif values is None or same_text(text, previous.text):
            return None
        else:
            await self._pass_by(previous, text)
        return values

    async def _pass_by(self, previous: TurnRecord, text: str) -> None:
        """Let the thread go on after messages without an answer: in it, or set aside."""
        if previous.refused and len(self.record.set_aside) < MAX_SET_ASIDE:
            try:
                await self._take_back(1 + len(previous.earlier))
                await self._set_aside(previous, text)
                return
            except Exception:
                log.warning("An unanswered message could not be set aside", exc_info=True)
        earlier = (*previous.earlier, previous.text)
        self.record = replace(self.record, earlier=earlier)
        await self._journal.write(self.record)

    async def _refuse(self, *, in_state: bool) -> None:
        """Forget the input of this turn."""
        if in_state:
            await self._take_back(1)
        earlier = self.record.earlier
        if not earlier:
            self.record = replace(self.record, text="")
            await self.finish()
            return
        before = replace(self.record, status="stopped", text=earlier[-1], earlier=earlier[:-1])
        await self._journal.write(before)

    async def _take_back(self, turns: int) -> None:
        """Take messages without an answer out of the thread's state."""
        config, name = self._thread.config(), self._thread.name
        await _in_empty_context(undo_turns(self._graph, config, name, turns))

    async def _set_aside(self, previous: TurnRecord, text: str) -> None:
        """Keep messages of earlier turns for a retry, but for one that is sent again now."""
        messages = (*previous.earlier, previous.text)
        waiting = [message for message in messages if message and not same_text(message, text)]
        self.record = replace(self.record, set_aside=(*self.record.set_aside, *waiting))
        await self._journal.write(self.record)

    async def _has_message(self, text: str) -> bool:
        """Return whether the state holds a user's message with this text, or there is no text."""
        if not text:
            return True
        state = await _in_empty_context(self._graph.aget_state(self._thread.config()))
        messages = state.values.get("messages") or ()
        return any(same_text(text_of(message), text) for message in messages)

    async def _finish_bookkeeping(self) -> None:
        """Finish what the turn before owes after its reply."""
        run = self._graph.ainvoke(
            None, self._thread.config(), context=self._context, durability="sync"
        )
        try:
            await _in_empty_context(run)
        except Exception:
            log.warning("The turn before could not be finished", exc_info=True)


async def _in_empty_context(operation: Coroutine[Any, Any, T]) -> T:
    """Await an operation in a context of its own: a server's request and run are not its own."""
    return await asyncio.create_task(operation, context=Variables())
