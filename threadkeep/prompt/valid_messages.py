"""Make messages valid for every provider: known content, plain names, calls beside results."""

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_openai_data_block,
)

from threadkeep.base.media import media_of
from threadkeep.base.message_text import EMPTY_RESULT, media_labels, words_of

MAX_NAME_CHARACTERS = 64
NO_RESULT = "(no result was recorded)"
_INVALID_IN_NAME = re.compile(r"[^\w-]", re.ASCII)


def valid_messages(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages with each tool call followed by exactly its own results.

    A call without a result gets `NO_RESULT`. Results without a call, system messages and messages
    of unknown types are dropped.
    """
    valid: list[AnyMessage] = []
    index = 0
    while index < len(messages):
        message = valid_message(messages[index])
        index += 1
        if isinstance(message, AIMessage) and message.tool_calls:
            results: dict[str, ToolMessage] = {}
            while index < len(messages) and isinstance(
                following := messages[index], ToolMessage | SystemMessage
            ):
                if isinstance(following, ToolMessage):
                    results[following.tool_call_id] = following
                index += 1
            valid.append(message)
            valid += [_result(call["id"] or "", results) for call in message.tool_calls]
        elif isinstance(message, HumanMessage | AIMessage):
            valid.append(message)
    return valid


def valid_message(message: AnyMessage) -> AnyMessage:
    """Return the message with content that providers refuse replaced by text, or dropped.

    A message that is valid already is returned as it is.
    """
    change: dict[str, Any] = {}
    if isinstance(message.content, list):
        change["content"] = _content(message)
    elif isinstance(message, ToolMessage) and not message.content.strip():
        change["content"] = EMPTY_RESULT
    name = message.name
    if name and (_INVALID_IN_NAME.search(name) or len(name) > MAX_NAME_CHARACTERS):
        change["name"] = _INVALID_IN_NAME.sub("_", name)[:MAX_NAME_CHARACTERS]
    if isinstance(message, AIMessage):
        change |= _calls(message)
    return message.model_copy(update=change) if change else message


def _result(call_id: str, results: dict[str, ToolMessage]) -> AnyMessage:
    if result := results.get(call_id):
        return valid_message(result)
    return ToolMessage(NO_RESULT, tool_call_id=call_id)


def _content(message: AnyMessage) -> str | list[str | dict[str, Any]]:
    """Return text where possible; only user messages may hold pictures, sound and files.

    A label stands for the pictures and files of other messages.
    """
    if not isinstance(message, HumanMessage):
        text = "\n".join(filter(None, [words_of(message), *media_labels(message)]))
        return EMPTY_RESULT if not text.strip() and isinstance(message, ToolMessage) else text
    blocks = [_readable_block(block) for block in message.content]
    if all(isinstance(block, str) or block.get("type") == "text" for block in blocks):
        return "\n".join(
            block if isinstance(block, str) else str(block["text"]) for block in blocks
        )
    typed = [
        {"type": "text", "text": block} if isinstance(block, str) else block for block in blocks
    ]
    return [block for block in typed if block.get("type") != "text" or block["text"]]


def _readable_block(block: object) -> str | dict[str, Any]:
    """Return a block that every provider's adapter reads, or else words that stand for it."""
    media = media_of(block)
    if media and not media.is_available:
        return media.label
    if _is_known(block):
        return block  # type: ignore[return-value]
    if media is None:
        return _placeholder(block)
    return media.block if _is_known(media.block) else media.label


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
        return isinstance(image.get("url") if isinstance(image, dict) else image, str)
    if kind == "input_audio":
        return isinstance(block.get("input_audio"), dict)
    return kind in ("image", "audio", "file") and _is_convertible(block)


def _is_convertible(block: dict[str, Any]) -> bool:
    try:
        convert_to_openai_data_block(block, api="chat/completions")
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return True


def _placeholder(block: object) -> str:
    kind = block.get("type") if isinstance(block, dict) else type(block).__name__
    return f"(content of kind {str(kind)!r:.40} is left out)"


def _calls(message: AIMessage) -> dict[str, Any]:
    """Return the changes that give every call an id of its own and readable arguments."""
    change: dict[str, Any] = {}
    ids = [call["id"] for call in message.tool_calls]
    if len(set(ids)) < len(ids) or not all(ids):
        unique = {call["id"]: call for call in message.tool_calls if call["id"]}
        change["tool_calls"] = list(unique.values())
    if message.invalid_tool_calls:
        change["invalid_tool_calls"] = []
    raw_calls = {"tool_calls", "function_call"} & message.additional_kwargs.keys()
    if raw_calls and not message.tool_calls:
        items = message.additional_kwargs.items()
        change["additional_kwargs"] = {key: value for key, value in items if key not in raw_calls}
    return change
