"""Make messages valid for every provider: known content, plain names, calls beside results."""

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    ToolMessage,
    convert_to_openai_data_block,
)

from threadkeep.base.media import media_of
from threadkeep.base.message_text import EMPTY_RESULT, media_labels, text_of, words_of
from threadkeep.models.reply_reader import without_reasoning
from threadkeep.prompt.tool_calls import match_results, with_unique_ids

MAX_NAME_CHARACTERS = 64
NO_RESULT = "(no result was recorded)"
_INVALID_IN_NAME = re.compile(r"[^\w-]", re.ASCII)


def valid_messages(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages with each tool call followed by exactly its own results.

    A call without a result gets `NO_RESULT`. Results without a call, system messages and messages
    of unknown types are dropped, and so are answers without a word.
    """
    results = match_results(messages)
    valid: list[AnyMessage] = []
    used_ids: set[str] = set()
    for place, message in enumerate(messages):
        if not isinstance(message, HumanMessage | AIMessage):
            continue
        message = valid_message(message)
        if not isinstance(message, AIMessage) or not message.tool_calls:
            if isinstance(message, HumanMessage) or text_of(message).strip():
                valid.append(message)
            continue
        calls = with_unique_ids(message, used_ids)
        if calls != message.tool_calls:
            message = message.model_copy(update={"tool_calls": calls})
        valid.append(message)
        for number, call in enumerate(calls):
            valid.append(_result(call["id"] or "", results.get((place, number))))
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
        fields = change.get("additional_kwargs", message.additional_kwargs)
        if without_reasoning(fields) != fields:
            change["additional_kwargs"] = without_reasoning(fields)
    return message.model_copy(update=change) if change else message


def _result(call_id: str, result: ToolMessage | None) -> AnyMessage:
    if result is None:
        return ToolMessage(NO_RESULT, tool_call_id=call_id)
    valid = valid_message(result)
    return (
        valid
        if result.tool_call_id == call_id
        else valid.model_copy(update={"tool_call_id": call_id})
    )


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
    is_unnamed = media is not None and media.kind == "file" and not media.name
    if not is_unnamed and _is_known(block):
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
    """Return the changes that leave no call with unreadable arguments."""
    change: dict[str, Any] = {}
    if message.invalid_tool_calls:
        change["invalid_tool_calls"] = []
    raw_calls = {"tool_calls", "function_call"} & message.additional_kwargs.keys()
    if raw_calls and not message.tool_calls:
        items = message.additional_kwargs.items()
        change["additional_kwargs"] = {key: value for key, value in items if key not in raw_calls}
    return change
