"""Memory: every operation on what is remembered, once; the terminal, the servers and you use it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import StreamMode

from threadkeep.base.clock import Clock
from threadkeep.base.errors import BadInput
from threadkeep.base.ids import new_thread_name
from threadkeep.base.settings import Settings
from threadkeep.base.storage_errors import storage_errors
from threadkeep.base.user import acting_as, current_user
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.checkpoints.locks import WAIT_SECONDS
from threadkeep.checkpoints.thread_records import NO_LIMIT, list_records, update_record
from threadkeep.checkpoints.thread_turns import COPY_NODE, turn_at
from threadkeep.erase import erase
from threadkeep.erase.intents import unfinished_erasures
from threadkeep.erase.plan import ErasurePlan, Target
from threadkeep.erase.receipt import Receipt
from threadkeep.erase.resume import finish_erasures, retry_erasures
from threadkeep.graph.agent import builder
from threadkeep.graph.context import Context
from threadkeep.graph.state import Input, State
from threadkeep.knowledge import listing
from threadkeep.knowledge.branch_sync import follow_updates
from threadkeep.knowledge.corrections import CorrectionResult, correct_fact, correct_message
from threadkeep.knowledge.explanation import Explanation, explain
from threadkeep.knowledge.fact_listing import list_facts
from threadkeep.knowledge.fork import fork_stored_thread
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
from threadkeep.open_turn import Thread
from threadkeep.opened import Opened, Progress, open_all
from threadkeep.prompt.plan import PromptPlan
from threadkeep.prompt.run_model import choice_of
from threadkeep.stores.indexing import Progress as CountProgress
from threadkeep.stores.memory_ids import find_memory
from threadkeep.stores.namespaces import messages_of, thread_id_for, threads_of, user_key
from threadkeep.stores.owned import OwnedStore
from threadkeep.stores.quarantine import damaged_records
from threadkeep.stores.usage import By, Usage
from threadkeep.thread_prompt import prompt_of_thread, state_of_stored_thread
from threadkeep.transfer.export import export_user
from threadkeep.transfer.export_reader import ExportSummary, validate_export
from threadkeep.transfer.import_conversations import ImportResult, import_conversations
from threadkeep.transfer.import_files import import_upload, open_upload
from threadkeep.transfer.importers.transcript import Transcript
from threadkeep.transfer.report import report_html
from threadkeep.transfer.restore import RestoreResult, restore_export
from threadkeep.turn import Event, Graph, Turn, start_run
from threadkeep.turn_recovery import (
    message_to_retry,
    recover_turns,
    take_back_unanswered,
    unanswered_row,
    undo_in_journal,
)

T = TypeVar("T")


class Memory:
    """One opened memory, for any number of users.

    `user_id` says whose memory an operation is about; without it, the user of the `acting_as`
    block or of the run that calls. No user, no memory: NoUser is raised. All errors that a person
    can do something about are ThreadkeepErrors: one sentence with the value and the remedy.
    """

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

    @property
    def notice(self) -> str:
        """What a person should know about the search, or nothing."""
        return self.opened.store.notice

    async def model_notice(self, context: Mapping[str, Any], *, user_id: str | None = None) -> str:
        """Return a sentence about a model that nobody named and that was found, or nothing."""
        run_context = _context_of(self._user(user_id), context)
        choice = await choice_of(run_context, self.opened.store)
        return f"Model {choice.reason}; --no-probe looks for none." if choice.discovered else ""

    # Conversation

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

    # Threads

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

    # What is remembered

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

    async def state(self, thread: Thread) -> State:
        """Return the working state of a thread, an empty one where there is none."""
        values = (await self.graph.aget_state(thread.config())).values
        return State(**{key: item for key, item in values.items() if key in State.__annotations__})

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

    # Forgetting

    async def plan_erasure(self, target: Target, *, user_id: str | None = None) -> ErasurePlan:
        """Return what would go with what is named, without changing anything.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
        """
        async with self._acting(user_id) as (user, _):
            return await erase.plan_erasure(self.opened, user, target)

    async def plan_forget(self, target: Target, *, user_id: str | None = None) -> list[str]:
        """Return what would go with what is named, in lines for a person.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
        """
        return (await self.plan_erasure(target, user_id=user_id)).lines()

    async def forget(
        self,
        target: Target,
        *,
        verify: bool = False,
        progress: Progress | None = None,
        user_id: str | None = None,
    ) -> Receipt:
        """Erase what is named, with all that rests on it; return the receipt.

        With `verify` every file is read for what was erased. Killed half-way, the next start
        finishes it.

        Raises:
            BadInput: there is no such thing of this user's, or more than one.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        async with self._acting(user_id) as (user, _):
            return await erase.erase(self.opened, user, target, verify=verify, progress=progress)

    async def damaged_records(self, *, user_id: str | None = None) -> list[str]:
        """Return a sentence about each record of the user that cannot be read."""
        async with self._acting(user_id) as (_, owner):
            records = await damaged_records(self.opened.store, owner)
            return [record.sentence for record in records]

    async def unfinished_erasures(self, *, user_id: str | None = None) -> list[str]:
        """Return a sentence about each erasure of the user that failed or was interrupted."""
        async with self._acting(user_id) as (_, owner):
            erasures = await unfinished_erasures(self.opened.store, owner)
            return [erasure.sentence for erasure in erasures]

    async def retry_erasures(
        self, *, progress: Progress | None = None, user_id: str | None = None
    ) -> tuple[list[Receipt], list[str]]:
        """Try the user's unfinished erasures again, those set aside after failures too.

        Return the receipts, and a sentence about each erasure that is still unfinished.
        """
        async with self._acting(user_id) as (_, owner):
            return await retry_erasures(self.opened, owner, progress)

    async def delete_thread(self, thread: str, *, user_id: str | None = None) -> None:
        """Erase a thread, and what was learned from it alone; one that is gone is no error.

        Raises:
            ThreadBusy: a turn is open on it for too long.
        """
        with suppress(BadInput):
            await self.forget(Target(kind="thread", name=thread), user_id=user_id)

    # Transfer

    def export(
        self, thread: str | None = None, *, user_id: str | None = None
    ) -> AsyncIterator[str]:
        """Return all that is kept of a user, or of one thread, as JSON lines that `restore` reads.

        Raises:
            BadInput: there is no such thread; raised by the first line.
        """
        user = self._user(user_id)
        with acting_as(user):
            lines = export_user(self.opened, user, thread=thread)
        return self._act_for(user, lines)

    def report(self, *, user_id: str | None = None) -> AsyncIterator[str]:
        """Return all that is known of a user as one HTML page, in pieces."""
        user = self._user(user_id)
        with acting_as(user):
            pieces = report_html(self.opened, user)
        return self._act_for(user, pieces)

    async def restore(
        self,
        file: IO[bytes],
        *,
        name: str = "the export",
        summary: ExportSummary | None = None,
        again: bool = False,
        progress: CountProgress | None = None,
        user_id: str | None = None,
    ) -> RestoreResult:
        """Take in an export, checked as a whole first; doing it again changes nothing.

        `file` must be seekable; `name` stands in error sentences. Without `user_id` it is taken in
        for the user whose export it is. What was forgotten before stays out, unless `again` is
        set. `summary` is what `validate_export` returned for the file.

        Raises:
            BadInput: the file is no whole export; nothing of it was stored.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        if summary is None:
            summary = await asyncio.to_thread(validate_export, file, name)
        async with self._acting(summary.user if user_id is None else user_id) as (user, _):
            result = await restore_export(
                self.opened, file, summary, user, again=again, progress=progress
            )
            await self.opened.store.index_pending(progress)
        return result

    async def import_file(
        self,
        file: IO[bytes],
        *,
        name: str = "the file",
        format: str | None = None,  # noqa: A002  (the command's name)
        thread: str | None = None,
        skip_bad: bool = False,
        again: bool = False,
        progress: CountProgress | None = None,
        user_id: str | None = None,
    ) -> ImportResult:
        """Take in a file of any format of `threadkeep import`, or a ZIP archive of them.

        All messages become the user's, whomever the file names. `format` is seen in the file
        unless it is named; `thread` names the thread of a list of messages; `skip_bad` leaves
        malformed lines out; what was forgotten before stays out, unless `again` is set.

        Raises:
            BadInput: nothing of it can be read, and nothing was stored; `name` stands for it.
            ThreadBusy: a turn is open on one of the threads for too long.
        """
        async with self._acting(user_id) as (user, _):
            upload = open_upload(file, name, user, format_=format, thread=thread, skip_bad=skip_bad)
            async with upload as content:
                return await import_upload(
                    content,
                    lambda t: self.import_conversations(t, again=again, progress=progress),
                    lambda f: self.restore(
                        f, name=name, again=again, progress=progress, user_id=user
                    ),
                )

    async def import_conversations(
        self,
        transcript: Transcript,
        *,
        again: bool = False,
        progress: CountProgress | None = None,
    ) -> ImportResult:
        """Take in conversations of another program; doing it again stores only what is new.

        What was forgotten before stays out, unless `again` is set.
        `transcript` is what `transfer.importers.reader.read_conversations` returned for a file;
        each of its messages names its user.
        """
        result = await import_conversations(self.opened, transcript, again=again, progress=progress)
        await self.opened.store.index_pending(progress)
        return result

    # Inside

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


@asynccontextmanager
async def open_memory(
    settings: Settings | None = None,
    *,
    model: BaseChatModel | str | None = None,
    embeddings: Embeddings | None = None,
    clock: Clock | None = None,
    predicates: Path | None = None,
) -> AsyncIterator[Memory]:
    """Open a memory: its databases, and the graph compiled with them.

    `settings` are by default those of the environment. `model` answers where a run names no
    other: any chat model of LangChain's, or a name such as `openai/gpt-4.1-mini`, `offline` or
    `anthropic:claude-sonnet-4-5`. `embeddings` makes the vectors, `clock` dates what is stored.
    `predicates` is a TOML file of predicates of your own (docs/memory.md).

    Raises:
        StorageFailed: the data folder or a database cannot be used.
        BadInput: the predicates cannot be used.
    """
    settings = settings or Settings()
    if predicates is not None:
        settings = settings.model_copy(update={"predicates": predicates})
    with storage_errors(settings.checkpoint_database):
        async with open_all(
            settings, model=model, embeddings=embeddings, clock=clock, on_update=follow_updates
        ) as opened:
            opened.store.start_indexing()
            memory = Memory(opened)
            with opened.store.dependencies.in_use():
                receipts = await finish_erasures(opened)
            memory.recovered = [receipt.recovery_notice for receipt in receipts]
            yield memory


def _context_of(user: str, values: Mapping[str, Any] | None) -> Context:
    return Context.model_validate({**(values or {}), "user_id": user})
