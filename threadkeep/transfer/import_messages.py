"""Prepare the messages of a transcript for the store: ids, values, and batches of writes."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from threadkeep.knowledge.stored_messages import StoredMessage, stored_value
from threadkeep.transfer.importers.transcript import Conversation, TranscriptMessage
from threadkeep.transfer.thread_merge import Entry


def group_by_user(messages: Sequence[TranscriptMessage]) -> Iterator[list[TranscriptMessage]]:
    """Yield each user's messages in the order of the file."""
    ordered = sorted(messages, key=lambda message: message.user)
    for _, group in groupby(ordered, key=lambda message: message.user):
        yield list(group)


def group_by_conversation(
    messages: Sequence[TranscriptMessage],
) -> list[tuple[Conversation, list[TranscriptMessage]]]:
    """Return one user's messages by conversation, older versions of a conversation first."""
    unnamed: dict[str, Conversation] = {}
    groups: dict[tuple[str, ...], tuple[Conversation, list[TranscriptMessage]]] = {}
    for message in messages:
        conversation = message.conversation
        if conversation is None:
            conversation = unnamed.setdefault(message.thread, Conversation(source="file"))
        key: tuple[str, ...] = (conversation.source, conversation.id or str(id(conversation)))
        if conversation.is_complete:
            key = (*key, str(id(conversation)))
        groups.setdefault((*key, message.thread), (conversation, []))[1].append(message)
    return sorted(groups.values(), key=lambda group: group[0].version)


def prepare_messages(
    messages: Sequence[TranscriptMessage], owner: str, thread: str, recorded_at: datetime
) -> list[Entry]:
    """Return the messages of one conversation as the store holds them in this thread."""
    repeats: Counter[tuple[str, ...]] = Counter()
    entries: list[Entry] = []
    before = ""
    for position, message in enumerate(messages):
        # A guessed time differs in a copy of the file.
        time = message.time.isoformat() if message.has_time else ""
        content = (thread, message.role, message.name or "", time, message.text)
        id_ = message_id(owner, content, repeats[content])
        repeats[content] += 1
        stored = _stored(message, id_, thread, position, before, recorded_at)
        entries.append((id_, stored_value(stored)))
        before = message.text
    return entries


def message_id(owner: str, content: Sequence[str], repeat: int) -> str:
    """Return an id made from thread, role, name, time and text of a message.

    `repeat` distinguishes equal messages. The position in the file is not included, so that a
    corrected or longer file adds only what is new.
    """
    digest = hashlib.sha256("\0".join((owner, str(repeat), *content)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def _stored(
    message: TranscriptMessage,
    id_: str,
    thread: str,
    position: int,
    before: str,
    recorded_at: datetime,
) -> StoredMessage:
    stored: StoredMessage = {
        "id": id_,
        "role": message.role,
        "text": message.text,
        "position": position,
        "time": message.time.isoformat(),
        "recorded_at": recorded_at.isoformat(),
        "before": before,
        "thread": thread,
    }
    if message.utc_offset is not None:
        stored["utc_offset"] = message.utc_offset
    if message.name:
        stored["name"] = message.name
    if message.source_id:
        stored["source_id"] = message.source_id
    return stored
