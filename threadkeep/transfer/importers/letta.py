"""Agents of Letta as agent files (`.af`): messages and memory blocks of each agent."""

from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type, parse_json
from threadkeep.base.timestamps import parse_timestamp
from threadkeep.base.validation import MAX_ID_CHARACTERS, sanitise_text, validate_id
from threadkeep.transfer.importers.langchain import read_messages
from threadkeep.transfer.importers.message_content import source_id_of
from threadkeep.transfer.importers.transcript import (
    Conversation,
    ImportPath,
    Transcript,
    TranscriptMessage,
    file_time,
    read_bounded,
    split_text,
    validate_text,
)


def read_letta(path: ImportPath, user: str) -> Transcript:
    """Read an agent file: each agent is a thread, its memory blocks a thread beside it.

    Raises:
        BadInput: the file is missing, or holds no agent.
    """
    value = parse_json(read_bounded(path))
    if not isinstance(value, dict):
        raise BadInput(f"{str(path)!r} is {json_type(value)}, not an agent file.")
    listed = value.get("agents")
    agents = listed if isinstance(listed, list) else [value]
    transcript = Transcript()
    for number, agent in enumerate(agents, start=1):
        if not isinstance(agent, dict):
            transcript.add_fault(f"agent {number}", f"It is {json_type(agent)}, not an object.")
            continue
        name = _name(agent, str(path.stem))
        id_ = source_id_of(agent.get("id")) or name
        messages = agent.get("messages")
        places = [
            (f"agent {number}, message {n}", message)
            for n, message in enumerate(messages if isinstance(messages, list) else (), start=1)
        ]
        conversation = Conversation(source="letta", id=id_)
        read_messages(places, name, conversation, user, file_time(path), transcript)
        _read_blocks(path, agent, value, f"{name} memory", id_, user, transcript)
    return transcript


def _name(agent: dict[str, Any], stem: str) -> str:
    name = agent.get("name")
    words = " ".join(sanitise_text(name).split()) if isinstance(name, str) else ""
    printable = "".join(letter for letter in words or stem if letter.isprintable())
    return validate_id(printable[: MAX_ID_CHARACTERS - 10].strip() or "Letta", "thread")


def _read_blocks(
    path: ImportPath,
    agent: dict[str, Any],
    value: dict[str, Any],
    thread: str,
    id_: str,
    user: str,
    transcript: Transcript,
) -> None:
    """Read the memory blocks of an agent: its own, or those that it names."""
    blocks = agent.get("core_memory") or agent.get("memory_blocks") or agent.get("blocks")
    if isinstance(names := agent.get("block_ids"), list) and isinstance(value.get("blocks"), list):
        blocks = [b for b in value["blocks"] if isinstance(b, dict) and b.get("id") in names]
    conversation = Conversation(source="letta memory", id=id_)
    for number, block in enumerate(blocks if isinstance(blocks, list) else (), start=1):
        try:
            if not isinstance(block, dict) or not isinstance(block.get("value"), str):
                raise BadInput("It is no memory block.")
            text = sanitise_text(block["value"])
            moment = block.get("updated_at") or block.get("created_at")
            stamp = parse_timestamp(moment) if moment is not None else None
            transcript.messages += [
                TranscriptMessage(
                    number=number,
                    user=user,
                    thread=thread,
                    role="system",
                    text=validate_text(part),
                    time=stamp.time if stamp else file_time(path),
                    has_time=stamp is not None,
                    conversation=conversation,
                    source_id=source_id_of(block.get("id") or block.get("label")),
                )
                for part in split_text(f"{block.get('label') or 'memory'}: {text}")
                if text.strip()
            ]
        except BadInput as error:
            transcript.add_fault(f"memory block {number}", error)
