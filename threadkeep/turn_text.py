"""The text of a turn's message, by which one that is sent again is recognised."""

import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages


def new_text(values: Any) -> str:
    """Return the text of an input that is one message of the user's, "" of any other."""
    messages = values.get("messages") if isinstance(values, Mapping) else None
    with suppress(ValueError, TypeError, KeyError, NotImplementedError):
        converted = convert_to_messages(messages or [])
        if len(converted) == 1:
            return text_of(converted[0])
    return ""


def text_of(message: BaseMessage) -> str:
    """Return the text of a user's message, with a digest of its other parts; "" of any other."""
    if not isinstance(message, HumanMessage):
        return ""
    if isinstance(message.content, str):
        return message.content
    digest = sha256(json.dumps(message.content, default=str).encode()).hexdigest()
    return f"{message.text} [attachment {digest[:8]}]"


def same_text(one: str, other: str) -> bool:
    """Return whether two messages differ at most in white space; an empty one equals none."""
    return bool(one.strip()) and one.split() == other.split()
