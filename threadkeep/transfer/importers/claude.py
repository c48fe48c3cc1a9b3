"""Conversations that Claude exports: `conversations.json`, each with `chat_messages`.

Words, attached texts and names of files are imported. Reasoning and calls of tools are left out.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.timestamps import parse_timestamp
from threadkeep.base.validation import sanitise_text
from threadkeep.transfer.importers.message_content import (
    file_note,
    source_id_of,
    text_of_content,
)
from threadkeep.transfer.importers.thread_names import ThreadNames
from threadkeep.transfer.importers.transcript import (
    Conversation,
    ImportPath,
    Role,
    Transcript,
    TranscriptMessage,
    read_list,
    split_text,
    validate_text,
)

SENDERS: dict[str, Role] = {"human": "user", "assistant": "assistant"}
UNTITLED = "Claude"
START = datetime.fromtimestamp(0, UTC)


def read_claude(path: ImportPath, user: str) -> Transcript:
    """Read a `conversations.json`: each conversation is a thread, named by its name.

    Raises:
        BadInput: the file is missing, or holds no JSON list.
    """
    transcript, names = Transcript(), ThreadNames(UNTITLED)
    records = list(enumerate(read_list(path, single="chat_messages"), start=1))
    for place, record in sorted(records, key=lambda pair: (_time(pair[1]) or START, pair[0])):
        try:
            messages = _branch(_messages_of(record))
        except BadInput as error:
            transcript.add_fault(f"conversation {place}", error)
            continue
        _read_conversation(record, messages, place, user, names, transcript)
    return transcript


def _messages_of(record: Any) -> list[Any]:
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    messages = record.get("chat_messages")
    if not isinstance(messages, list):
        raise BadInput(f"Its chat_messages are {json_type(messages)}, not a list.")
    return messages


def _branch(messages: list[Any]) -> list[Any]:
    """Return the messages on the way to the newest one, where the export has several branches."""
    by_id = {message.get("uuid"): message for message in messages if isinstance(message, dict)}
    parents = [m.get("parent_message_uuid") for m in messages if isinstance(m, dict)]
    if len(set(parents)) == len(messages) or any(not isinstance(key, str) for key in parents):
        return messages
    path = list[Any]()
    key: Any = max(by_id, key=lambda id_: _time(by_id[id_]) or START)
    while key in by_id and by_id[key] not in path:
        path.append(by_id[key])
        key = by_id[key].get("parent_message_uuid")
    return path[::-1]


def _read_conversation(
    record: Mapping[str, Any],
    messages: Sequence[Any],
    place: int,
    user: str,
    names: ThreadNames,
    transcript: Transcript,
) -> None:
    created = last = _time(record) or START
    times = [time for time in (_time(record, "updated_at"), *map(_time, messages)) if time]
    id_ = source_id_of(record.get("uuid"))
    conversation = Conversation(
        source="claude",
        id=id_,
        version=(max([*times, created]).isoformat(timespec="microseconds"), len(messages)),
        is_complete=id_ is not None,
    )
    thread = ""
    for number, message in enumerate(messages, start=1):
        try:
            role, text = _role_and_text(message)
            if not text.strip():
                continue
            if message.get("created_at") is not None:
                last = max(last, parse_timestamp(message["created_at"]).time)
        except BadInput as error:
            transcript.add_fault(f"conversation {place}, message {number}", error)
            continue
        thread = thread or names.add(record.get("name"), created)
        for part in split_text(text):
            transcript.messages.append(
                TranscriptMessage(
                    number=number,
                    user=user,
                    thread=thread,
                    role=role,
                    text=validate_text(part),
                    time=last,
                    conversation=conversation,
                    source_id=source_id_of(message.get("uuid")),
                )
            )
            last += timedelta(milliseconds=1)


def _role_and_text(message: Any) -> tuple[Role, str]:
    if not isinstance(message, dict):
        raise BadInput(f"It is {json_type(message)}, not an object.")
    sender = message.get("sender")
    if not isinstance(sender, str) or sender not in SENDERS:
        raise BadInput(f"The sender {sender!r:.40} is not allowed; use human or assistant.")
    content, text = message.get("content"), message.get("text")
    words = text_of_content(content)
    if not words.strip() and not _has_blocks(content) and isinstance(text, str):
        words = sanitise_text(text)
    lists = (message.get(key) for key in ("attachments", "files", "files_v2"))
    attached = [file_note(record) for files in lists if isinstance(files, list) for record in files]
    pieces = filter(None, [words, *dict.fromkeys(attached)])
    return SENDERS[sender], sanitise_text("\n".join(pieces))


def _has_blocks(content: object) -> bool:
    """Return whether a content has blocks that are no text, such as reasoning alone."""
    return isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") != "text" for block in content
    )


def _time(record: Any, key: str = "created_at") -> datetime | None:
    try:
        return parse_timestamp(record.get(key)).time if isinstance(record, dict) else None
    except BadInput:
        return None
