"""Memories of mem0: what `get_all`, its API and its dashboard return, each a sentence."""

from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.timestamps import parse_timestamp
from threadkeep.base.validation import validate_id
from threadkeep.transfer.importers.message_content import source_id_of
from threadkeep.transfer.importers.transcript import (
    Conversation,
    ImportPath,
    Transcript,
    TranscriptMessage,
    file_time,
    read_list,
    validate_text,
)

THREAD = "mem0"


def read_mem0(path: ImportPath, user: str | None = None) -> Transcript:
    """Read a list of memories into one thread for each user; `user` overrides theirs.

    Raises:
        BadInput: the file is missing, or holds no list of memories.
    """
    transcript, conversations = Transcript(), dict[str, Conversation]()
    for number, record in enumerate(read_list(path, "results", "memories"), start=1):
        try:
            if not isinstance(record, dict):
                raise BadInput(f"It is {json_type(record)}, not an object.")
            owner = str(record.get("user_id") or record.get("agent_id") or "")
            if user is None and not owner:
                raise BadInput("It names no user_id; say whose memory it is with --user.")
            conversation = conversations.setdefault(
                owner, Conversation(source="mem0", id=source_id_of(owner) or THREAD)
            )
            transcript.messages.append(_message(number, record, user or owner, conversation, path))
        except BadInput as error:
            transcript.add_fault(f"memory {number}", error)
    return transcript


def _message(
    number: int,
    record: dict[str, Any],
    user: str,
    conversation: Conversation,
    path: ImportPath,
) -> TranscriptMessage:
    value = next(
        (record[key] for key in ("updated_at", "created_at") if record.get(key) is not None), None
    )
    stamp = None if value is None else parse_timestamp(value)
    return TranscriptMessage(
        number=number,
        user=validate_id(user, "user"),
        thread=THREAD,
        role="user",
        text=validate_text(record.get("memory", record.get("text"))),
        time=stamp.time if stamp else file_time(path),
        has_time=stamp is not None,
        utc_offset=stamp.utc_offset if stamp else None,
        conversation=conversation,
        source_id=source_id_of(record.get("id")),
    )
