"""Finish turns that a crash cut off; retry or discard messages that got no answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from langchain_core.messages import HumanMessage

from threadkeep.base.errors import BadInput, ThreadBusy
from threadkeep.checkpoints.thread_turns import pending_nodes, undo_turns
from threadkeep.checkpoints.turn_journal import TurnJournal, TurnRecord
from threadkeep.graph.agent import BOOKKEEPING
from threadkeep.graph.state import Input
from threadkeep.open_turn import MAX_ATTEMPTS, AnyGraph, Thread
from threadkeep.stores.namespaces import thread_id_for
from threadkeep.turn import Event, Turn

log = logging.getLogger(__name__)

StartRun = Callable[[str], Awaitable[AsyncIterator[Event]]]
"""Starts what finishes the turn of the thread of that name."""


async def recover_turns(
    journal: TurnJournal, owner: str, start: StartRun, limit: float | None
) -> list[str]:
    """Finish the owner's turns that were cut off; return a sentence about each."""
    sentences = []
    for record in await journal.records(owner):
        if record.status == "open":
            record = replace(record, thread=thread_id_for(owner, record.name))
            sentences.append(await _recover_turn(journal, record, start, limit))
    return [sentence for sentence in sentences if sentence]


async def _recover_turn(
    journal: TurnJournal, record: TurnRecord, start: StartRun, limit: float | None
) -> str:
    """Finish a turn that was cut off; return a sentence about it, "" where nothing is to be told.

    What fails each time is set aside after `MAX_ATTEMPTS`, so that nobody is told of it twice.
    """
    if record.attempts >= MAX_ATTEMPTS:
        reason = f"It was cut off {MAX_ATTEMPTS} times."
        await journal.write(replace(record, status="failed", reason=reason))
        return record.sentence
    answer = ""
    try:
        async with asyncio.timeout(limit):
            turn = Turn(await start(record.name), record.name)
            await turn.finished()
            answer = turn.reply
    except (ThreadBusy, TimeoutError):
        return ""  # Another process works on it, or the next start goes on with it.
    except Exception:
        log.warning("The turn in thread %r could not be finished", record.name, exc_info=True)
        turn = None
    after = await journal.read(record.owner, record.thread)
    if after is not None and after.status == "failed":
        return after.sentence
    if turn is None or not turn.has_run:
        return ""
    reply = f": {answer}" if answer else "."
    return f"The turn that was cut off in thread {record.name!r} is finished now{reply}"


def message_to_retry(record: TurnRecord | None, name: str) -> Input | None:
    """Return the input of a retry: the newest turn's message, else the first that was set aside.

    None where the message is known from the thread's state alone.

    Raises:
        BadInput: there is none.
    """
    if record is not None:
        if record.status in ("failed", "stopped"):
            return {"messages": [HumanMessage(record.text)]} if record.text else None
        if record.set_aside:
            return {"messages": [HumanMessage(record.set_aside[0])]}
    raise BadInput(f"Thread {name!r} has no message without an answer.")


async def undo_in_journal(
    graph: AnyGraph, journal: TurnJournal, owner: str, thread: Thread, turns: int
) -> list[str]:
    """Undo the newest turns, those without an answer too; return the texts of their messages.

    Raises:
        BadInput: the thread has fewer turns, or their states were pruned.
    """
    record = await journal.read(owner, thread.id)
    was_unanswered = record is not None and await _is_unanswered(graph, thread)
    texts = await undo_turns(graph, thread.config(), thread.name, turns)
    if record is not None and was_unanswered:
        rest = [*record.earlier, record.text][:-turns]
        if rest:
            await journal.write(replace(record, text=rest[-1], earlier=tuple(rest[:-1])))
        elif record.set_aside:
            await journal.write(replace(record, status="answered", text="", earlier=()))
        else:
            await journal.delete(owner, thread.id)
    return texts


async def take_back_unanswered(graph: AnyGraph, thread: Thread, record: TurnRecord) -> None:
    """Take the messages without an answer out of the thread's state."""
    if await _is_unanswered(graph, thread):
        await undo_turns(graph, thread.config(), thread.name, 1 + len(record.earlier))


async def _is_unanswered(graph: AnyGraph, thread: Thread) -> bool:
    pending = await pending_nodes(graph, thread.config())
    return bool(pending) and not pending <= {*BOOKKEEPING}


def unanswered_row(record: TurnRecord) -> dict[str, Any]:
    """Return what a user is told of a thread whose messages got no answer."""
    return {
        "thread": record.name,
        "thread_id": thread_id_for(record.owner, record.name),
        "messages": record.unanswered,
        "reason": record.reason,
        "sentence": record.sentence,
    }
