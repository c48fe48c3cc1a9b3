"""Store the messages of a transcript with their notes and thread records."""

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
from threadkeep.transfer.importers.transcript import TranscriptMessage

BATCH = 200


@dataclass(frozen=True, kw_only=True)
class PreparedMessage:
    """A message to store, with the values for its thread's record."""

    message: StoredMessage
    thread_name: str
    turns: int
    """Messages of role user in the thread up to this one, in the file."""


def group_by_user(messages: Sequence[TranscriptMessage]) -> Iterator[list[TranscriptMessage]]:
    """Yield each user's messages in the order of the file."""
    ordered = sorted(messages, key=lambda message: message.user)
    for _, group in groupby(ordered, key=lambda message: message.user):
        yield list(group)


def prepare_batches(
    messages: Sequence[TranscriptMessage], owner: str, recorded_at: datetime
) -> list[list[PreparedMessage]]:
    """Return one user's messages in batches, by time: later facts replace earlier ones."""
    prepared = sorted(
        prepare_messages(messages, owner, recorded_at), key=lambda item: item.message["time"]
    )
    return [prepared[start : start + BATCH] for start in range(0, len(prepared), BATCH)]


def prepare_messages(
    messages: Sequence[TranscriptMessage], owner: str, recorded_at: datetime
) -> Iterator[PreparedMessage]:
    """Yield one user's messages with ids, positions and the text before each."""
    threads: dict[str, str] = {}
    previous: dict[str, StoredMessage] = {}
    turns: Counter[str] = Counter()
    repeats: Counter[tuple[str, ...]] = Counter()
    for message in messages:
        if message.thread not in threads:
            threads[message.thread] = thread_id(owner, message.thread)
        thread = threads[message.thread]
        # A guessed time differs in a copy of the file.
        time = message.time.isoformat() if message.has_time else ""
        content = (thread, message.role, message.name or "", time, message.text)
        id_ = message_id(owner, content, repeats[content])
        stored = _stored(message, thread, id_, previous.get(thread), recorded_at)
        repeats[content] += 1
        turns[thread] += message.role == "user"
        previous[thread] = stored
        yield PreparedMessage(message=stored, thread_name=message.thread, turns=turns[thread])


def message_id(owner: str, content: Sequence[str], repeat: int) -> str:
    """Return an id made from thread, role, name, time and text of a message.

    `repeat` distinguishes equal messages. The position in the file is not included, so that a
    corrected or longer file adds only what is new.
    """
    digest = hashlib.sha256("\0".join((owner, str(repeat), *content)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


async def store_batch(store: BaseStore, owner: str, batch: Sequence[PreparedMessage]) -> int:
    """Store the messages that are not stored yet; return their number.

    Notes are stored before their messages, so that a stored message marks a completed import of
    it. Thread records are stored last, and updated when they are behind.
    """
    names = {prepared.message["thread"]: prepared.thread_name for prepared in batch}
    ops = [
        GetOp(messages_of(owner, prepared.message["thread"]), prepared.message["id"])
        for prepared in batch
    ]
    ops += [GetOp(threads_of(owner), thread) for thread in names]
    items = cast("list[Item | None]", await store.abatch(ops))
    pairs = list(zip(batch, items[: len(batch)], strict=True))
    new = [prepared.message for prepared, item in pairs if item is None]
    if new:
        await store_notes(store, owner, new)
    if changed := new + _repositioned(pairs):
        await store_messages(store, owner, changed)
    records = dict(zip(names, items[len(batch) :], strict=True))
    new_ids = {message["id"] for message in new}
    if puts := _record_puts(owner, batch, records, new_ids):
        await store.abatch(puts)
    return len(new)


def _stored(
    message: TranscriptMessage,
    thread: str,
    id_: str,
    previous: StoredMessage | None,
    recorded_at: datetime,
) -> StoredMessage:
    stored: StoredMessage = {
        "id": id_,
        "role": message.role,
        "text": message.text,
        "position": previous["position"] + 1 if previous else 0,
        "time": message.time.isoformat(),
        "recorded_at": recorded_at.isoformat(),
        "before": previous["text"] if previous else "",
        "thread": thread,
    }
    if message.utc_offset is not None:
        stored["utc_offset"] = message.utc_offset
    if message.name:
        stored["name"] = message.name
    if message.source_id:
        stored["source_id"] = message.source_id
    return stored


def _repositioned(pairs: Sequence[tuple[PreparedMessage, Item | None]]) -> list[StoredMessage]:
    """Return the stored messages whose position changed, as after a correction of the file."""
    messages: list[StoredMessage] = []
    for prepared, item in pairs:
        if item and item.value.get("position") != prepared.message["position"]:
            message = prepared.message.copy()
            message["recorded_at"] = item.value.get("recorded_at", message["recorded_at"])
            if history := item.value.get("history"):
                # The user has corrected it since the import.
                message |= {"text": item.value["text"], "history": history}
            messages.append(message)
    return messages


def _record_puts(
    owner: str,
    batch: Sequence[PreparedMessage],
    records: dict[str, Item | None],
    new_ids: set[str],
) -> list[PutOp]:
    puts: list[PutOp] = []
    for thread, item in records.items():
        old = item.value if item else {}
        messages = [prepared for prepared in batch if prepared.message["thread"] == thread]
        record = _record(old, messages, new_ids)
        if record != old:
            puts.append(PutOp(threads_of(owner), thread, record, index=False))
    return puts


def _record(
    old: dict[str, Any], messages: Sequence[PreparedMessage], new_ids: set[str]
) -> dict[str, Any]:
    """Return a thread's record; turns that an interrupted import counted are not added twice."""
    times = [prepared.message["time"] for prepared in messages]
    new_turns = sum(
        prepared.message["role"] == "user" and prepared.message["id"] in new_ids
        for prepared in messages
    )
    file_turns = [prepared.turns for prepared in messages]
    return {
        **old,
        "name": old.get("name") or messages[0].thread_name,
        "created": min([*times, old.get("created") or times[0]]),
        "last_used": max([*times, old.get("last_used") or times[0]]),
        "turns": max(int(old.get("turns") or 0) + new_turns, *file_turns),
    }
