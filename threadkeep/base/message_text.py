"""The text of a message, for any kind of content blocks."""

import json

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from threadkeep.base.media import media_of

EMPTY_RESULT = "(empty result)"


def text_with_tool_calls(message: BaseMessage) -> str:
    """Return the text of a message, then one line per tool call with its arguments."""
    return "\n".join(filter(None, [text_of(message), *_tool_calls(message)]))


def transcript_of(message: BaseMessage) -> str:
    """Return the text of a message with a label for each picture and file, and its tool calls."""
    lines = [words_of(message), *media_labels(message), *_tool_calls(message)]
    return "\n".join(filter(None, lines)) or text_of(message)


def text_of(message: BaseMessage) -> str:
    """Return the text of a message; without words, labels of its pictures and files."""
    text = words_of(message) or "\n".join(media_labels(message))
    return EMPTY_RESULT if not text.strip() and isinstance(message, ToolMessage) else text


def words_of(message: BaseMessage) -> str:
    """Return the words of a message; content blocks without text are skipped.

    Of a tool's result nothing is skipped: blocks of unknown kinds are returned as JSON.
    """
    if isinstance(message.content, str):
        return message.content
    text = _result_text if isinstance(message, ToolMessage) else _text
    return "\n".join(filter(None, map(text, message.content)))


def media_labels(message: BaseMessage) -> list[str]:
    """Return what stands for each picture, recording and file of a message."""
    if isinstance(message.content, str):
        return []
    return [media.label for block in message.content if (media := media_of(block))]


def as_json(value: object) -> str:
    """Return `value` as compact JSON, or its repr if JSON cannot hold it."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _tool_calls(message: BaseMessage) -> list[str]:
    if not isinstance(message, AIMessage):
        return []
    return [
        f"(calls {call['name']} "
        f"{call['args'] if isinstance(call['args'], str) else as_json(call['args'])})"
        for call in (*message.tool_calls, *message.invalid_tool_calls)
    ]


def _text(block: object) -> str:
    if isinstance(block, str):
        return block
    text = block.get("text") if isinstance(block, dict) else None
    return text if isinstance(text, str) else ""


def _result_text(block: object) -> str:
    is_text = isinstance(block, str) or (isinstance(block, dict) and "text" in block)
    return _text(block) if is_text or media_of(block) else as_json(block)
