"""From the lines of a transcript to messages, entities and thread records in the store."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from langgraph.store.base import BaseStore, GetOp, Item, PutOp

from threadkeep.knowledge.notes import store_notes
from threadkeep.knowledge.stored_messages import StoredMessage, store_messages
from threadkeep.stores.namespaces import messages_of, thread_id, threads_of
from threadkeep.transfer.importers.transcript import Line

CHUNK = 200


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A message as it is stored, and what its thread's record needs."""

    message: StoredMessage
    thread_name: str
    asked: int
    """How many messages of role user the thread has in the file, through this one."""


def by_user(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield each user's lines, in the order of the file."""
    ordered = sorted(lines, key=lambda line: line.user)
    for _, of_user in groupby(ordered, key=lambda line: line.user):
        yield list(of_user)


def chunks(lines: Sequence[Line], owner: str, recorded_at: datetime) -> list[list[Placed]]:
    """Return one user's messages `CHUNK` at a time, by time, since later facts replace earlier."""
    placed = sorted(place(lines, owner, recorded_at), key=lambda each: each.message["time"])
    return [placed[start : start + CHUNK] for start in range(0, len(placed), CHUNK)]


def place(lines: Sequence[Line], owner: str, recorded_at: datetime) -> Iterator[Placed]:
    """Yield one user's messages with their ids, places in the thread, and what came before each."""
    threads: dict[str, str] = {}
    last: dict[str, StoredMessage] = {}
    asked: Counter[str] = Counter()
    same: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        if line.thread not in threads:
            threads[line.thread] = thread_id(owner, line.thread)
        thread = threads[line.thread]
        words = (thread, line.role, line.name or "", _when(line), line.text)
        message = _message(line, thread, message_id(owner, words, same[words]), last.get(thread))
        message["recorded_at"] = recorded_at.isoformat()
        same[words] += 1
        asked[thread] += line.role == "user"
        last[thread] = message
        yield Placed(message=message, thread_name=line.thread, asked=asked[thread])


def _when(line: Line) -> str:
    """Return what a message's time adds to its id: a guess is another one in a copy of the file."""
    return "" if line.undated else line.time.isoformat()


def message_id(owner: str, words: Sequence[str], nth: int) -> str:
    """Return the id of a message: one for the same words at the same time in a thread.

    `nth` tells apart those that are the same in all. The place in the file is no part of it, so
    that a mended or longer file adds only what is new.
    """
    digest = hashlib.sha256("\0".join((owner, str(nth), *words)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


async def store_chunk(store: BaseStore, owner: str, chunk: Sequence[Placed]) -> int:
    """Store what is not there yet, and return how many messages that was.

    Messages come after their entities: they are the mark by which a stopped import knows what
    is done. Records come last, and are mended when found behind.
    """
    names = {placed.message["thread"]: placed.thread_name for placed in chunk}
    ops = [GetOp(messages_of(owner, p.message["thread"]), p.message["id"]) for p in chunk]
    ops += [GetOp(threads_of(owner), thread) for thread in names]
    found = cast("list[Item | None]", await store.abatch(ops))
    pairs = list(zip(chunk, found[: len(chunk)], strict=True))
    fresh = [placed.message for placed, item in pairs if item is None]
    if fresh:
        await store_notes(store, owner, fresh)
    if changed := fresh + _moved(pairs):
        await store_messages(store, owner, changed)
    new_ids = {message["id"] for message in fresh}
    records: list[PutOp] = []
    for thread, item in zip(names, found[len(chunk) :], strict=True):
        old = item.value if item else {}
        record = _record(old, [p for p in chunk if p.message["thread"] == thread], new_ids)
        if record != old:
            records.append(PutOp(threads_of(owner), thread, record, index=False))
    if records:
        await store.abatch(records)
    return len(fresh)


def _message(line: Line, thread: str, id_: str, before: StoredMessage | None) -> StoredMessage:
    message: StoredMessage = {
        "id": id_,
        "role": line.role,
        "text": line.text,
        "position": before["position"] + 1 if before else 0,
        "time": line.time.isoformat(),
        "recorded_at": "",
        "before": before["text"] if before else "",
        "thread": thread,
    }
    if line.name:
        message["name"] = line.name
    if line.source_id:
        message["source_id"] = line.source_id
    return message


def _moved(pairs: Sequence[tuple[Placed, Item | None]]) -> list[StoredMessage]:
    """Return those that are stored with another place in their thread, as after mending a file."""
    moved: list[StoredMessage] = []
    for placed, item in pairs:
        if item and item.value.get("position") != placed.message["position"]:
            message = placed.message.copy()
            message["recorded_at"] = item.value.get("recorded_at", message["recorded_at"])
            if history := item.value.get("history"):
                # It was corrected since, and stays so.
                message |= {"text": item.value["text"], "history": history}
            moved.append(message)
    return moved


def _record(old: dict[str, Any], placed: Sequence[Placed], new_ids: set[str]) -> dict[str, Any]:
    """Return a thread's record; what a stopped import counted or did not, is counted once."""
    times = [each.message["time"] for each in placed]
    asked = sum(p.message["role"] == "user" and p.message["id"] in new_ids for p in placed)
    return {
        **old,
        "name": old.get("name") or placed[0].thread_name,
        "created": min([*times, old.get("created") or times[0]]),
        "last_used": max([*times, old.get("last_used") or times[0]]),
        "turns": max(int(old.get("turns") or 0) + asked, *(each.asked for each in placed)),
    }
