"""A run of the graph as one turn of its thread, and the turn as it is read."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamMode

from threadkeep.base.cancellation import cancel_and_wait
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.storage_errors import storage_errors
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.checkpoints.thread_turns import pending_nodes
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, Ledger, Output, State, merge_ledger
from threadkeep.models.finish import Incomplete, incomplete_of
from threadkeep.models.reply_reader import REASONING
from threadkeep.open_turn import Thread, open_turn
from threadkeep.opened import Opened

Graph = CompiledStateGraph[State, Context, Input, Output]
Event = tuple[str, Any]
"""What a run streams: the stream mode, and what LangGraph streams in it."""
OPENED: Event = ("opened", None)
"""The first event inside `start_run`: the thread is held."""


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
    run_config: RunnableConfig | None = None,
    output_only: bool = False,
    recovers: bool = False,
) -> AsyncIterator[Event]:
    """Take the thread and return a run of the graph, which releases it at its end.

    `values` None finishes what the thread's last run left pending; `checkpoint_id` names the state
    to go on from, by default the newest; `run_config` adds metadata, tags and limits. With
    `output_only`, events have the fields of the graph's output schema alone. `recovers` means that
    no user waits for the turn.

    Raises:
        ThreadBusy: somebody else holds the thread for `wait` seconds.
    """
    config = thread.config(checkpoint_id)
    options: RunnableConfig = run_config or {}
    metadata = {**(options.get("metadata") or {}), **config["metadata"]}
    config = {**options, **config, "metadata": metadata}

    async def run() -> AsyncGenerator[Event, None]:
        opening = open_turn(
            opened, graph, context, thread, is_stop=is_stop, wait=wait, recovers=recovers
        )
        with storage_errors(opened.settings.checkpoint_database):
            async with opening as turn:
                yield OPENED
                new = await turn.begin(values, goes_on=checkpoint_id is None)
                resumes = new is None and checkpoint_id is None
                if resumes and not await pending_nodes(graph, config):
                    return
                events = graph.astream(
                    new,
                    config,
                    context=context,
                    stream_mode=list(modes),
                    output_keys=graph.output_channels if output_only else None,
                    durability="sync",
                )
                async with aclosing(cast(AsyncGenerator[Event, None], events)):
                    async for event in events:
                        turn.lock.check()
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
        self.reasoning = ""
        """What the model reasoned before its answer, as far as it has come."""
        self.incomplete: Incomplete | None = None
        """Why the answer is not whole; None if it is."""
        self.has_run = False
        """Whether the graph did anything."""
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
        self.has_run = True
        if mode == "messages":
            chunk, metadata = event
            if metadata.get("langgraph_node") == "call_model" and isinstance(chunk, AIMessageChunk):
                self.reasoning += str(chunk.additional_kwargs.get(REASONING) or "")
                self._pieces.put_nowait(str(chunk.text))
                self._streamed = True
            return
        for node, update in event.items():
            update = update or {}
            self.memories = update.get("memories", self.memories)
            self.ledger = merge_ledger(self.ledger, update.get("ledger", {}))
            if node == "call_model":
                message = update["messages"][-1]
                self.reply = str(message.text)
                self.reasoning = str(message.additional_kwargs.get(REASONING) or "")
                self.incomplete = incomplete_of(message)
                if not self._streamed:  # The model replied as a whole.
                    self._pieces.put_nowait(self.reply)
                self._pieces.put_nowait(None)
