"""The graph on its databases: opened, one turn at a time, finished after a crash."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamMode

from threadkeep.base.clock import Clock
from threadkeep.base.errors import BadInput, ThreadBusy
from threadkeep.base.settings import Settings
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import USER_KEY, acting_as
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.checkpoints.locks import WAIT_SECONDS, ThreadLock, ThreadLocks, open_locks
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import MAX_TURNS, open_checkpointer
from threadkeep.checkpoints.thread_records import NO_LIMIT, list_records, update_record
from threadkeep.checkpoints.thread_turns import COPY_NODE, pending_nodes, turn_at, undo_turns
from threadkeep.erase.erase import erase, plan_erasure
from threadkeep.erase.intents import has_erasures
from threadkeep.erase.plan import Plan, Target
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.resume import finish_erasures
from threadkeep.graph.agent import BOOKKEEPING, builder
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, Output, State
from threadkeep.knowledge.branch_sync import follow_updates
from threadkeep.knowledge.fork import fork_stored_thread
from threadkeep.opened import Opened, Progress, turn_journal_in
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.namespaces import messages_of, thread_called, threads_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.turn import Event, Turn
from threadkeep.turn_settle import settle

Graph = CompiledStateGraph[State, Context, Input, Output]


@dataclass(frozen=True)
class Run:
    """A run that somebody wants."""

    context: Context
    name: str
    given: Input | None
    config: RunnableConfig
    at: dict[str, str]
    """The checkpoint to go on from; empty for the newest."""
    modes: list[StreamMode]

    @property
    def placed(self) -> RunnableConfig:
        """The config with the checkpoint in it."""
        return {**self.config, "configurable": {**self.config["configurable"], **self.at}}


class Agent:
    """The compiled graph with its saver, its store and its locks."""

    def __init__(
        self,
        graph: Graph,
        saver: OwnedSaver,
        store: HybridStore,
        locks: ThreadLocks,
        settings: Settings,
    ) -> None:
        self.graph = graph
        self.saver = saver
        self.store = store
        self.settings = settings
        self.locks = locks
        self.turn_journal = turn_journal_in(settings, store)
        self.finished: list[str] = []
        """Sentences about what was finished when it was opened; `finish` tells them, once."""
        self._leaving = False

    @property
    def opened(self) -> Opened:
        """All that is open."""
        return Opened(
            store=self.store,
            saver=self.saver,
            inner_saver=self.saver.saver,
            locks=self.locks,
            turn_journal=self.turn_journal,
            settings=self.settings,
        )

    async def config(
        self, context: Context, name: str, checkpoint_id: str | None = None
    ) -> RunnableConfig:
        """Return the run's config: the user, and the user's thread of that name.

        With a checkpoint it is for what reads or changes that state; a run takes it as `at`.
        """
        name = validate_id(name, "thread")
        thread = thread_called(await user_key(self.store, context.user_id), name)
        at = {"checkpoint_id": checkpoint_id} if checkpoint_id else {}
        return {
            "configurable": {"thread_id": thread, "checkpoint_ns": "", USER_KEY: context.user_id}
            | at,
            "metadata": {"thread_name": name},
        }

    async def choices(self, user: str, name: str) -> dict[str, Any]:
        """Return what was chosen for the context of this user's thread alone."""
        owner = await user_key(self.store, user)
        thread = thread_called(owner, name)
        record = await self.store.aget(threads_of(owner), thread, refresh_ttl=False)
        return dict(record.value.get("context") or {}) if record else {}

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""
        return self.store.notice

    async def last_thread(self, user: str, why: str = "to continue; leave --continue out") -> str:
        """Return the name of the thread that the user used last.

        Raises:
            BadInput: the user has none.
        """
        records = await list_records(self.store, threads_of(await user_key(self.store, user)), 1)
        if not records:
            raise BadInput(f"User {user!r} has no thread {why}.")
        return str(records[0].value["name"])

    async def say(self, context: Context, name: str, text: str) -> Turn:
        """Begin a turn with the user's message.

        Raises:
            BadInput: the message or the name is refused at the door.
            ThreadBusy: another process has a turn open on the thread for too long.
        """
        message = HumanMessage(validate_message(text))
        return await self._begin(context, name, {"messages": [message]})

    async def finish(self, context: Context) -> list[str]:
        """Finish this user's turns that a crash cut off; return a sentence about each."""
        done, self.finished = self.finished, []
        owner = await user_key(self.store, context.user_id)
        for name in await self.turn_journal.unfinished(owner):
            try:
                turn = await self._begin(context, name, None, wait=0.0)
            except ThreadBusy:
                continue  # Not cut off: another window is at it right now.
            await turn.finished()
            said = f": {turn.reply}" if turn.reply else "."
            done.append(f"The turn that was cut off in thread {name!r} is finished now{said}")
        return done

    async def change_thread(self, context: Context, name: str, /, **changes: Any) -> dict[str, Any]:
        """Change the record of a thread; see `threadkeep.checkpoints.thread_records.change_record`.

        Raises:
            BadInput: there is no such thread, or a value is refused.
            ThreadBusy: a turn is open on it for too long.
        """
        async with self._held(context, name) as (owner, thread):
            record = await update_record(self.store, threads_of(owner), thread, **changes)
            if (minutes := changes.get("ttl_minutes")) is not None:
                await self.saver.aset_ttl(thread, minutes)
                messages = messages_of(owner, thread)
                for item in await self.store.asearch(messages, limit=NO_LIMIT, refresh_ttl=False):
                    await self.store.aput(messages, item.key, item.value, ttl=minutes)
        return record

    async def is_open(self, context: Context, *names: str) -> bool:
        """Tell whether a turn is under way, or was cut off, on the thread that is so called."""
        left = await self.turn_journal.unfinished(await user_key(self.store, context.user_id))
        return any(name in left for name in names)

    async def update_state(
        self,
        context: Context,
        name: str,
        values: Mapping[str, Any] | None,
        as_node: str | None = None,
        checkpoint_id: str | None = None,
    ) -> RunnableConfig:
        """Change a thread's state from outside a run; memory follows. Return where it is then.

        Raises:
            InvalidUpdateError: the graph does not take the update.
            ThreadBusy: a turn is open on the thread for too long.
        """
        async with self._held(context, name):
            config = await self.config(context, name, checkpoint_id)
            return await self.graph.aupdate_state(config, values, as_node)

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
            await fork_stored_thread(self.store, owner, thread, found.values, target, new)
            await self.saver.acopy_thread(thread, target)
            copied = {**found.config["configurable"], "thread_id": target}
            await self.graph.aupdate_state({"configurable": copied}, None, COPY_NODE)

    async def delete_thread(self, context: Context, name: str) -> None:
        """Forget a thread, and what was learned from it alone; one that is not there is no error.

        Raises:
            ThreadBusy: a turn is open on it for too long.
        """
        with suppress(BadInput):
            await self.forget(context, Target(kind="thread", name=name))

    async def plan_erasure(self, context: Context, target: Target) -> Plan:
        """Return what would go with what the user names.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
        """
        with acting_as(context.user_id):
            return await plan_erasure(self.opened, context.user_id, target)

    async def forget(
        self,
        context: Context,
        target: Target,
        *,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> Receipt:
        """Forget what the user names, and return the receipt; see `threadkeep.erase.erase`.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        user = context.user_id
        with acting_as(user):
            return await erase(self.opened, user, target, verify=verify, progress=progress)

    @asynccontextmanager
    async def _held(self, context: Context, name: str) -> AsyncIterator[tuple[str, str]]:
        """Hold a thread without a turn; yield its owner's key and its id."""
        thread = (await self.config(context, name))["configurable"]["thread_id"]
        with storage_errors(self.settings.checkpoint_database), acting_as(context.user_id):
            async with self.locks.acquire(thread, name):
                yield await user_key(self.store, context.user_id), thread

    async def _begin(
        self, context: Context, name: str, given: Input | None, wait: float = WAIT_SECONDS
    ) -> Turn:
        return Turn(await self.open_run(context, name, given, wait=wait))

    async def open_run(
        self,
        context: Context,
        name: str,
        given: Input | None,
        *,
        wait: float = WAIT_SECONDS,
        modes: Sequence[StreamMode] = ("messages", "updates"),
        at: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[Event]:
        """Take the thread; return a run of the graph, which lets go of it at its end.

        What is returned must be iterated over. `given` None finishes what the thread still owes;
        `at` names the checkpoint to go on from, by default the newest.

        Raises:
            BadInput: the name is refused at the door.
            ThreadBusy: somebody else has a turn open on the thread for `wait` seconds.
        """
        config = await self.config(context, name)
        config["metadata"] = {**(metadata or {}), **config["metadata"]}
        held = AsyncExitStack()
        thread = config["configurable"]["thread_id"]
        with storage_errors(self.settings.checkpoint_database):
            hold = await held.enter_async_context(self.locks.acquire(thread, name, wait=wait))
        run = Run(context, name, given, config, dict(at or {}), list(modes))
        return self._run(held, hold, run)

    def keep_notes(self) -> None:
        """Let turns that are cancelled from now on be finished by the next start."""
        self._leaving = True

    async def _run(self, held: AsyncExitStack, hold: ThreadLock, run: Run) -> AsyncIterator[Event]:
        """Run the turn, behind whatever bookkeeping an earlier one still owes."""
        thread = run.config["configurable"]["thread_id"]
        with storage_errors(self.settings.checkpoint_database):
            async with held:
                owner = await user_key(self.store, run.context.user_id)
                left = await self.turn_journal.begin(owner, thread, run.name)
                try:
                    for given, config in await self._inputs(run, left=left):
                        async for event in self.graph.astream(
                            given,
                            config,
                            context=run.context,
                            stream_mode=run.modes,
                            durability="sync",
                        ):
                            hold.check()
                            if given is run.given:
                                yield cast(Event, event)
                except asyncio.CancelledError:
                    if not self._leaving:
                        await self.turn_journal.finish(owner, thread)
                    raise
                await self.turn_journal.finish(owner, thread)
                with acting_as(run.context.user_id):
                    await self.saver.aprune_turns(thread, MAX_TURNS)
        settle(again=self.store.opened)

    async def _inputs(self, run: Run, *, left: bool) -> list[tuple[Input | None, RunnableConfig]]:
        """Return what the graph is to be given, in order, and where."""
        asked = [] if run.given is None and not run.at else [(run.given, run.placed)]
        if not left and (run.given is not None or run.at):
            return asked
        owed = await pending_nodes(self.graph, run.config)
        # A new message takes the place of an answer that never came; it is not asked twice.
        finishing = owed and (run.given is None or owed <= {*BOOKKEEPING}) and not run.at
        return [(None, run.config), *asked] if finishing else asked


@asynccontextmanager
async def open_agent(
    settings: Settings,
    *,
    model: BaseChatModel | str | None = None,
    embeddings: Embeddings | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Agent]:
    """Open the databases and compile the graph with it.

    Raises:
        StorageFailed: the data folder or the database cannot be used.
    """
    database = settings.checkpoint_database
    with storage_errors(database):
        async with (
            open_store(settings, model=model, embeddings=embeddings, clock=clock) as store,
            open_checkpointer(
                database, ttl_minutes=settings.ttl_minutes, follow=follow_updates(store)
            ) as saver,
            open_locks(database, settings.locks) as locks,
        ):
            store.index_behind()
            graph = builder.compile(checkpointer=saver, store=OwnedStore(store), name="threadkeep")
            agent = Agent(graph, saver, store, locks, settings)
            if await has_erasures(store):
                agent.finished = [each.finished for each in await finish_erasures(agent.opened)]
            yield agent
