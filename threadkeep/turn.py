"""The lifecycle of one turn: lock, recover, run, prune, unlock; and the turn as it is read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from contextvars import Context as Variables
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamMode

from threadkeep.base.cancellation import cancel_and_wait, uninterrupted
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import USER_KEY, acting_as
from threadkeep.checkpoints.locks import WAIT_SECONDS, ThreadLock
from threadkeep.checkpoints.savers import MAX_TURNS
from threadkeep.checkpoints.thread_turns import pending_nodes
from threadkeep.graph.agent import BOOKKEEPING
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, Ledger, Output, State, merge_ledger
from threadkeep.opened import Opened
from threadkeep.stores.namespaces import user_key

Graph = CompiledStateGraph[State, Context, Input, Output]
Event = tuple[str, Any]
"""What a run streams: the stream mode, and what LangGraph streams in it."""
OPENED: Event = ("opened", None)
"""The first event inside `start_run`: the thread is held."""


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
    graph: CompiledStateGraph[Any, Any, Any, Any],
    context: Context,
    thread: Thread,
    *,
    is_stop: Callable[[BaseException], bool],
    wait: float = WAIT_SECONDS,
) -> AsyncIterator[ThreadLock]:
    """Hold a thread for one turn, behind the bookkeeping that a crash left unfinished.

    The turn stands in the journal until it is finished, so that the next start finds it after a
    crash; `is_stop` tells which errors mean that its user gave it up. At the end the checkpoints
    of old turns are pruned and the thread is released, whatever happened.

    Raises:
        ThreadBusy: somebody else holds the thread for `wait` seconds.
        StorageFailed: a database cannot be used.
    """
    with storage_errors(opened.settings.checkpoint_database):
        async with opened.locks.acquire(thread.id, thread.name, wait=wait) as lock:
            owner = await user_key(opened.store, context.user_id)
            if await opened.turn_journal.begin(owner, thread.id, thread.name):
                # In a context of its own: a server's request and its run config are not this run's.
                recovery = _finish_bookkeeping(graph, context, thread)
                await asyncio.create_task(recovery, context=Variables())
            try:
                yield lock
            except BaseException as error:
                if is_stop(error):
                    await uninterrupted(_give_up(opened, graph, owner, thread))
                raise
            await opened.turn_journal.finish(owner, thread.id)
            with acting_as(context.user_id):
                await opened.saver.aprune_turns(thread.id, MAX_TURNS)


async def _give_up(
    opened: Opened, graph: CompiledStateGraph[Any, Any, Any, Any], owner: str, thread: Thread
) -> None:
    """Drop the record of a turn that was stopped; the next turn finishes what follows a reply."""
    if not _is_bookkeeping(await pending_nodes(graph, thread.config())):
        await opened.turn_journal.finish(owner, thread.id)


async def _finish_bookkeeping(
    graph: CompiledStateGraph[Any, Any, Any, Any], context: Context, thread: Thread
) -> None:
    """Finish what a turn owes after its reply; a reply that never came is not asked for again."""
    pending = await pending_nodes(graph, thread.config())
    if _is_bookkeeping(pending):
        await graph.ainvoke(None, thread.config(), context=context, durability="sync")


def _is_bookkeeping(nodes: set[str]) -> bool:
    return bool(nodes) and nodes <= {*BOOKKEEPING}


async def start_run(
    opened: Opened,
    graph: Graph,
    context: Context,
    thread: Thread,
    values: Input | None,
    *,
    is_stop: Callable[[BaseException], bool],
    wait: float = WAIT_SECONDS,
    modes: Sequence[StreamMode] = ("messages", "updates"),
    checkpoint_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    output_only: bool = False,
    recursion_limit: int | None = None,
) -> AsyncIterator[Event]:
    """Take the thread and return a run of the graph, which releases it at its end.

    `values` None finishes what the thread's last run left pending; `checkpoint_id` names the state
    to go on from, by default the newest. With `output_only`, events have the fields of the graph's
    output schema alone.

    Raises:
        ThreadBusy: somebody else holds the thread for `wait` seconds.
    """
    config = thread.config(checkpoint_id)
    config["metadata"] = {**(metadata or {}), **config["metadata"]}
    if recursion_limit is not None:
        config["recursion_limit"] = recursion_limit

    async def run() -> AsyncGenerator[Event, None]:
        turn = open_turn(opened, graph, context, thread, is_stop=is_stop, wait=wait)
        with storage_errors(opened.settings.checkpoint_database):
            async with turn as lock:
                yield OPENED
                resumes = values is None and checkpoint_id is None
                if resumes and not await pending_nodes(graph, config):
                    return
                events = graph.astream(
                    values,
                    config,
                    context=context,
                    stream_mode=list(modes),
                    output_keys=graph.output_channels if output_only else None,
                    durability="sync",
                )
                async with aclosing(cast(AsyncGenerator[Event, None], events)):
                    async for event in events:
                        lock.check()
                        yield cast(Event, event)

    events = run()
    # A generator that has begun releases the thread even if nobody iterates over it: asyncio
    # closes it when it is dropped.
    await anext(events)
    return events


class Turn:
    """One turn under way: iterate over the reply as it comes; `finished` waits for bookkeeping."""

    def __init__(self, run: AsyncIterator[Event], thread: str = "") -> None:
        self.thread = thread
        """The name of the thread."""
        self.reply = ""
        self.memories: list[RecalledItem] = []
        self.ledger: Ledger = {}
        self._streamed = False
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._consume(run))

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._task.done():
            self._task.result()

    async def finished(self) -> None:
        """Wait until everything about this turn is stored.

        Raises:
            ThreadkeepError: what kept it from being stored.
        """
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Give the turn up where it stands; the user's message stays in the thread."""
        await cancel_and_wait(self._task)

    async def _consume(self, run: AsyncIterator[Event]) -> None:
        try:
            async for mode, event in run:
                self._take(mode, event)
        finally:
            self._pieces.put_nowait(None)

    def _take(self, mode: str, event: Any) -> None:
        if mode == "messages":
            chunk, metadata = event
            if metadata.get("langgraph_node") == "call_model" and isinstance(chunk, AIMessageChunk):
                self._pieces.put_nowait(str(chunk.text))
                self._streamed = True
            return
        for node, update in event.items():
            update = update or {}
            self.memories = update.get("memories", self.memories)
            self.ledger = merge_ledger(self.ledger, update.get("ledger", {}))
            if node == "call_model":
                self.reply = str(update["messages"][-1].text)
                if not self._streamed:  # The model replied as a whole.
                    self._pieces.put_nowait(self.reply)
                self._pieces.put_nowait(None)
