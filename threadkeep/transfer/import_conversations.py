"""Import conversations of other programs. Importing twice changes nothing more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from langgraph.store.base import BaseStore, PutOp

from threadkeep.base.cancellation import uninterrupted
from threadkeep.base.clock import now, use_clock
from threadkeep.knowledge.rebuild import rebuild_knowledge
from threadkeep.knowledge.stored_thread_items import diff_ops
from threadkeep.opened import Opened
from threadkeep.stores.dependencies import ttl_of
from threadkeep.stores.indexing import Progress
from threadkeep.stores.namespaces import messages_of, threads_of, user_key
from threadkeep.transfer.import_messages import group_by_conversation, group_by_user
from threadkeep.transfer.importers.transcript import Transcript
from threadkeep.transfer.thread_plans import ImportPlanner, ThreadPlan

BATCH = 200


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did."""

    messages: int
    """Valid messages in the file."""
    new: int
    """Messages that were not stored before."""
    users: int
    threads: int
    skipped: int
    """Malformed lines that were left out."""
    faults: tuple[str, ...]
    """The first malformed lines, each with its place."""
    notes: tuple[str, ...] = ()
    """What was left out on purpose, and why."""
    forgotten: int = 0
    """Messages that were left out because they were forgotten before."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Names in the file that another thread has, and the names that were given instead."""


async def import_conversations(
    opened: Opened,
    transcript: Transcript,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Store the messages of a transcript and what they teach; `progress` gets (done, total).

    What was forgotten before stays out, unless `again` is set. Cancelled, it keeps the batches
    that are stored; importing again stores the rest. Vectors are made in the background;
    `opened.store.index_pending()` waits for them.
    """
    store, messages = opened.store, transcript.messages
    total, completed, new, forgotten, inactive = len(messages), 0, 0, 0, 0
    renamed: list[tuple[str, str]] = []
    with use_clock(opened.clock, opened.settings.time_zone):
        for user_messages in group_by_user(messages):
            owner = await user_key(store, user_messages[0].user)
            planner = await ImportPlanner.open(store, owner, now(), again=again)
            for conversation, group in group_by_conversation(user_messages):
                await planner.add(conversation, group)
            for number, ops in _batches(store, owner, planner.plans.values()):
                if ops:
                    await uninterrupted(store.abatch(ops))
                completed += number
                if progress and number:
                    progress(completed, total)
            await rebuild_knowledge(store, owner)
            new += sum(plan.new for plan in planner.plans.values())
            completed += planner.forgotten + planner.inactive
            forgotten += planner.forgotten
            inactive += planner.inactive
            renamed += planner.renamed.items()
    if progress and completed and forgotten + inactive:
        progress(total, total)
    notes = list(transcript.notes)
    if inactive:
        notes.append(f"{inactive:,} messages of threads of which a fork is the active one")
    return ImportResult(
        messages=total,
        new=new,
        users=len({message.user for message in messages}),
        threads=len({(message.user, message.thread) for message in messages}),
        skipped=transcript.malformed,
        faults=tuple(transcript.faults),
        notes=tuple(notes),
        forgotten=forgotten,
        renamed=tuple(renamed),
    )


def _batches(
    store: BaseStore, owner: str, plans: Iterable[ThreadPlan]
) -> Iterator[tuple[int, list[PutOp]]]:
    """Yield the writes in batches, each with the number of messages of the file in it.

    The record of a thread is in the last batch of its thread, so that a thread with a record is
    complete.
    """
    number, ops = 0, list[PutOp]()
    for plan in plans:
        ttl = ttl_of(store, plan.record)
        by_message: dict[str, list[PutOp]] = {id_: [] for id_ in plan.messages}
        others: list[PutOp] = []
        space = messages_of(owner, plan.thread)
        for op in diff_ops(owner, plan.thread, plan.before, plan.after, ttl):
            is_message = op.value is not None and op.namespace[1] in (space[1], "notes")
            (by_message.get(op.key, others) if is_message else others).append(op)
        for message_ops in by_message.values():
            ops += message_ops
            number += 1
            if number == BATCH:
                yield number, ops
                number, ops = 0, []
        for start in range(0, len(others), BATCH):
            ops += others[start : start + BATCH]
            if len(ops) > BATCH:
                yield number, ops
                number, ops = 0, []
        if plan.record != plan.old_record:
            record = plan.record
            ops.append(PutOp(threads_of(owner), plan.thread, record, index=False, ttl=ttl))
    if number or ops:
        yield number, ops
