"""The graph on its databases: opened, one turn at a time, finished after a crash."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import PutOp

from checkpoints.locks import WAIT_SECONDS, Hold, Locks
from checkpoints.open_turns import OpenTurns
from checkpoints.owners import OwnedSaver
from checkpoints.records import ALL, change_record
from checkpoints.savers import TURNS_KEPT
from checkpoints.threads import COPY, pending_nodes, turn_at, undo_turns
from cli.event_loop import settle
from graph.agent import BOOKKEEPING, builder
from graph.checks import check_id, check_message
from graph.context import Context
from graph.errors import ThreadBusy
from graph.memories import Memory
from graph.settings import Settings
from graph.state import Input, Ledger, Output, State, merge_ledger
from graph.storage_errors import storage_errors
from graph.user import USER_KEY, acting_as
from nodes.databases import open_databases
from nodes.fork_thread import fork_stored
from stores.hybrid import HybridStore
from stores.namespaces import messages_of, thread_id, threads_of, user_key
from stores.owned import OwnedStore

Graph = CompiledStateGraph[State, Context, Input, Output]
Event = tuple[str, Any]


class Turn:
    """One turn under way: iterate over the reply as it comes; `finished` waits for bookkeeping."""

    def __init__(self, run: AsyncIterator[Event]) -> None:
        self.reply = ""
        self.memories: list[Memory] = []
        self.ledger: Ledger = {}
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._consume(run))

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._task.done():
            self._task.result()

    async def finished(self) -> None:
        """Wait until everything about this turn is written.

        Raises:
            ThreadkeepError: what kept it from being written.
        """
        await self._task

    async def stop(self) -> None:
        """Give the turn up where it stands; what the user said stays in the thread."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _consume(self, run: AsyncIterator[Event]) -> None:
        try:
            async for mode, event in run:
                self._take(mode, event)
        finally:
            self._pieces.put_nowait(None)

    def _take(self, mode: str, event: Any) -> None:
        if mode == "messages":
            chunk, about = event
            if about.get("langgraph_node") == "call_model" and isinstance(chunk, AIMessageChunk):
                self._pieces.put_nowait(str(chunk.text))
            return
        for node, update in event.items():
            update = update or {}
            self.memories = update.get("memories", self.memories)
            self.ledger = merge_ledger(self.ledger, update.get("ledger", {}))
            if node == "call_model":
                self.reply = str(update["messages"][-1].text)
                self._pieces.put_nowait(None)


class Agent:
    """The compiled graph with its saver, its store and its locks."""

    def __init__(
        self,
        graph: Graph,
        saver: OwnedSaver,
        store: HybridStore,
        locks: Locks,
        open_turns: OpenTurns,
        settings: Settings,
    ) -> None:
        self.graph = graph
        self.saver = saver
        self.store = store
        self.settings = settings
        self._locks = locks
        self._open_turns = open_turns

    async def config(self, context: Context, name: str) -> RunnableConfig:
        """Return the run's config: the user, and the user's thread of that name."""
        name = check_id(name, "thread")
        thread = thread_id(await user_key(self.store, context.user_id), name)
        return {
            "configurable": {"thread_id": thread, USER_KEY: context.user_id},
            "metadata": {"thread_name": name},
        }

    async def choices(self, user: str, name: str) -> dict[str, Any]:
        """Return what was chosen for the context of this user's thread alone."""
        owner = await user_key(self.store, user)
        record = await self.store.aget(threads_of(owner), thread_id(owner, name), refresh_ttl=False)
        return dict(record.value.get("context") or {}) if record else {}

    async def say(self, context: Context, name: str, text: str) -> Turn:
        """Begin a turn with the user's message.

        Raises:
            BadInput: the message or the name is refused at the door.
            ThreadBusy: another process has a turn open on the thread for too long.
        """
        message = HumanMessage(check_message(text))
        return await self._begin(context, name, {"messages": [message]})

    async def finish(self, context: Context) -> list[str]:
        """Finish this user's turns that a crash cut off; return a sentence about each."""
        done = []
        owner = await user_key(self.store, context.user_id)
        for name in await self._open_turns.left(owner):
            try:
                turn = await self._begin(context, name, None, wait=0.0)
            except ThreadBusy:
                continue  # Not cut off: another window is at it right now.
            await turn.finished()
            said = f": {turn.reply}" if turn.reply else "."
            done.append(f"The turn that was cut off in thread {name!r} is finished now{said}")
        return done

    async def change_thread(self, context: Context, name: str, /, **changes: Any) -> dict[str, Any]:
        """Change the record of a thread; see `checkpoints.records.change_record`.

        Raises:
            BadInput: there is no such thread, or a value is refused.
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._held(context, name) as (owner, thread):
            record = await change_record(self.store, threads_of(owner), thread, **changes)
            if (minutes := changes.get("ttl_minutes")) is not None:
                await self.saver.aset_ttl(thread, minutes)
                messages = messages_of(owner, thread)
                for item in await self.store.asearch(messages, limit=ALL, refresh_ttl=False):
                    await self.store.aput(messages, item.key, item.value, ttl=minutes)
        return record

    async def undo(self, context: Context, name: str, turns: int = 1) -> list[str]:
        """Take back the newest turns of a thread; return what the user had said, oldest first.

        Raises:
            BadInput: the thread has not so many turns that can still be taken back.
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._held(context, name):
            return await undo_turns(self.graph, await self.config(context, name), name, turns)

    async def fork_thread(
        self, context: Context, name: str, new: str, at: int | None = None
    ) -> None:
        """Begin another thread with the first `at` turns of this one, by default with all.

        The two are branches of one conversation: memory goes with the one that is used.

        Raises:
            BadInput: there is no such thread or turn, or the new name is taken.
            ThreadBusy: a turn is open on one of them for too long.
        """
        async with self._held(context, name), self._held(context, new) as (owner, target):
            source = await self.config(context, name)
            thread = source["configurable"]["thread_id"]
            record = await self.store.aget(threads_of(owner), thread)
            total = int(record.value.get("turns") or 0) if record else 0
            found = await turn_at(self.graph, source, name, total, at)
            await fork_stored(self.store, owner, thread, found.values, target, new)
            await self.saver.acopy_thread(thread, target)
            copied = {**found.config["configurable"], "thread_id": target}
            await self.graph.aupdate_state({"configurable": copied}, None, COPY)

    async def delete_thread(self, context: Context, name: str) -> None:
        """Delete a thread: checkpoints, messages, record. What was learned from it stays.

        Raises:
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._held(context, name) as (owner, thread):
            await self.saver.adelete_thread(thread)
            messages = messages_of(owner, thread)
            found = await self.store.asearch(messages, limit=ALL, refresh_ttl=False)
            await self.store.abatch([PutOp(messages, item.key, None) for item in found])
            await self.store.adelete(threads_of(owner), thread)
            await self._open_turns.forget(owner, thread)

    @asynccontextmanager
    async def _held(self, context: Context, name: str) -> AsyncIterator[tuple[str, str]]:
        """Hold a thread without a turn; yield its owner's key and its id."""
        thread = (await self.config(context, name))["configurable"]["thread_id"]
        with storage_errors(self.settings.checkpoint_database), acting_as(context.user_id):
            async with self._locks.open_turn(thread, name):
                yield await user_key(self.store, context.user_id), thread

    async def _begin(
        self, context: Context, name: str, given: Input | None, wait: float = WAIT_SECONDS
    ) -> Turn:
        config = await self.config(context, name)
        held = AsyncExitStack()
        thread = config["configurable"]["thread_id"]
        with storage_errors(self.settings.checkpoint_database):
            hold = await held.enter_async_context(self._locks.open_turn(thread, name, wait=wait))
        return Turn(self._run(held, hold, given, config, context, name))

    async def _run(
        self,
        held: AsyncExitStack,
        hold: Hold,
        given: Input | None,
        config: RunnableConfig,
        context: Context,
        name: str,
    ) -> AsyncIterator[Event]:
        """Run the turn, behind whatever bookkeeping an earlier one still owes."""
        thread = config["configurable"]["thread_id"]
        owner = await user_key(self.store, context.user_id)
        with storage_errors(self.settings.checkpoint_database):
            async with held:
                left = await self._open_turns.note(owner, thread, name)
                owed = await pending_nodes(self.graph, config) if left else set()
                # A new message takes the place of an answer that never came; it is not asked twice.
                inputs = [None] if owed and (given is None or owed <= {*BOOKKEEPING}) else []
                try:
                    for each in [*inputs, *([given] if given else [])]:
                        async for event in self.graph.astream(
                            each,
                            config,
                            context=context,
                            stream_mode=["messages", "updates"],
                            durability="sync",
                        ):
                            hold.check()
                            if each is given:
                                yield cast(Event, event)
                except asyncio.CancelledError:
                    await self._open_turns.forget(owner, thread)
                    raise
                await self._open_turns.forget(owner, thread)
                with acting_as(context.user_id):
                    await self.saver.aprune_turns(thread, TURNS_KEPT)
        if self.store.opened:
            settle()


@asynccontextmanager
async def open_agent(settings: Settings) -> AsyncIterator[Agent]:
    """Open the databases and compile the graph with it.

    Raises:
        StorageFailed: the data folder or the database cannot be used.
    """
    async with open_databases(settings) as opened:
        store, saver = opened.store, opened.saver
        graph = builder.compile(checkpointer=saver, store=OwnedStore(store), name="threadkeep")
        yield Agent(graph, saver, store, opened.locks, opened.open_turns, settings)
