"""The text of a message, for any kind of content blocks."""

import json

from langchain_core.messages import AIMessage, BaseMessage


def text_with_tool_calls(message: BaseMessage) -> str:
    """Return the text of a message, then one line per tool call with its arguments."""
    lines = [text_of(message)]
    if isinstance(message, AIMessage):
        for call in (*message.tool_calls, *message.invalid_tool_calls):
            args = call["args"] if isinstance(call["args"], str) else as_json(call["args"])
            lines.append(f"(calls {call['name']} {args})")
    return "\n".join(line for line in lines if line)


def text_of(message: BaseMessage) -> str:
    """Return the text of a message; content blocks without text are skipped."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(text for block in message.content if (text := _text(block)))


def as_json(value: object) -> str:
    """Return `value` as compact JSON, or its repr if JSON cannot hold it."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _text(block: object) -> str:
    if isinstance(block, str):
        return block
    text = block.get("text") if isinstance(block, dict) else None
    return text if isinstance(text, str) else ""
