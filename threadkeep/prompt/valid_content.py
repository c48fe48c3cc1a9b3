"""One message as a provider accepts it: known content, a plain name, calls with their own ids.

A message that is fine already is returned as it is.
"""

import re
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    convert_to_openai_data_block,
)

from threadkeep.base.message_text import text_of

LONGEST_NAME = 64
_NOT_IN_NAMES = re.compile(r"[^\w-]", re.ASCII)


def legal(message: AnyMessage) -> AnyMessage:
    """Return the message with whatever no provider takes made plain text, or left out."""
    change: dict[str, Any] = {}
    if isinstance(message.content, list):
        change["content"] = _content(message)
    if message.name and (_NOT_IN_NAMES.search(message.name) or len(message.name) > LONGEST_NAME):
        change["name"] = _NOT_IN_NAMES.sub("_", message.name)[:LONGEST_NAME]
    if isinstance(message, AIMessage):
        change |= _calls(message)
    return message.model_copy(update=change) if change else message


def _content(message: AnyMessage) -> str | list[str | dict[str, Any]]:
    """Return text where that is all there is; only the user may send pictures, sound and files."""
    blocks = message.content
    if not isinstance(message, HumanMessage):
        return text_of(message)
    kept = [block if _is_known(block) else _named(block) for block in blocks]
    if all(isinstance(block, str) or block.get("type") == "text" for block in kept):
        return "\n".join(b if isinstance(b, str) else str(b["text"]) for b in kept)
    written = [{"type": "text", "text": b} if isinstance(b, str) else b for b in kept]
    return [b for b in written if b.get("type") != "text" or b["text"]]


def _is_known(block: object) -> bool:
    if isinstance(block, str):
        return True
    if not isinstance(block, dict):
        return False
    kind = block.get("type")
    if kind == "text":
        return isinstance(block.get("text"), str)
    if kind == "image_url":
        image = block.get("image_url")
        address = image.get("url") if isinstance(image, dict) else image
        return isinstance(address, str)
    if kind == "input_audio":
        return isinstance(block.get("input_audio"), dict)
    return kind in ("image", "audio", "file") and _is_convertible(block)


def _is_convertible(block: dict[str, Any]) -> bool:
    try:
        convert_to_openai_data_block(block, api="chat/completions")
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return True


def _named(block: object) -> str:
    kind = block.get("type") if isinstance(block, dict) else type(block).__name__
    return f"(content of kind {str(kind)!r:.40} is left out)"


def _calls(message: AIMessage) -> dict[str, Any]:
    """Return what must change for every call to have an id of its own and readable arguments."""
    change: dict[str, Any] = {}
    ids = [call["id"] for call in message.tool_calls]
    if len(set(ids)) < len(ids) or not all(ids):
        unique = {call["id"]: call for call in message.tool_calls if call["id"]}
        change["tool_calls"] = list(unique.values())
    if message.invalid_tool_calls:
        change["invalid_tool_calls"] = []
    left = {"tool_calls", "function_call"} & message.additional_kwargs.keys()
    if left and not message.tool_calls:
        rest = message.additional_kwargs.items()
        change["additional_kwargs"] = {key: value for key, value in rest if key not in left}
    return change
