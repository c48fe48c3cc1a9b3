"""The text of a message whose content is a string or a list of blocks, as providers write it."""

from collections.abc import Iterator, Mapping
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.validation import sanitise_text, validate_id

TEXT_KEYS = ("text", "refusal", "transcript")
"""Keys of blocks of any type but those of reasoning and tools."""
HIDDEN_TYPES = frozenset(
    "thinking redacted_thinking reasoning tool_use tool_result tool_call function_call "
    "function_call_output server_tool_use token_budget flag".split()
)


def text_of_content(content: object) -> str:
    """Return the words of a content: a string, a block, or a list of blocks.

    Reasoning and calls of tools are left out; a picture or a file leaves a note.

    Raises:
        BadInput: it is none of these.
    """
    if content is None:
        return ""
    if isinstance(content, dict) and "type" in content:
        content = [content]
    if isinstance(content, list):
        return sanitise_text("\n".join(text for block in content for text in _block_text(block)))
    if not isinstance(content, str):
        raise BadInput(f"The content is {json_type(content)}; write it as a string.")
    return sanitise_text(content)


def file_note(record: object) -> str:
    """Return the note that stands for an attached file: its name, and its text if it is there."""
    if not isinstance(record, dict):
        return ""
    names = (record.get(key) for key in ("file_name", "filename", "name"))
    name = next((value for value in names if isinstance(value, str) and value.strip()), "")
    text = record.get("extracted_content")
    note = f"[shares a file: {' '.join(name.split())}]" if name else "[shares a file]"
    return f"{note}\n{text}" if isinstance(text, str) and text.strip() else note


def source_id_of(value: object) -> str | None:
    """Return an id of another program, None if it is none."""
    try:
        return validate_id(value, "id")
    except BadInput:
        return None


def _block_text(block: object) -> Iterator[str]:
    if isinstance(block, str):
        yield block
    if not isinstance(block, dict):
        return
    kind = str(block.get("type") or "")
    if kind in HIDDEN_TYPES:
        return
    text = next((block[key] for key in TEXT_KEYS if isinstance(block.get(key), str)), None)
    if text is not None:
        yield text
    elif "image" in kind:
        yield "[shares an image]"
    elif "audio" in kind:
        audio = block.get("input_audio") or block.get("audio")
        yield _transcript(audio) or "[shares a recording]"
    elif "file" in kind or kind == "document":
        inner = block.get("file") if isinstance(block.get("file"), dict) else block
        yield file_note(inner)


def _transcript(audio: Any) -> str:
    text = audio.get("transcript") if isinstance(audio, Mapping) else None
    return text if isinstance(text, str) else ""
