"""What a provider accepts: exchanges kept whole, every tool call beside its results."""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage

Exchange = list[AnyMessage]
"""A message from the user and all that answers it."""

NO_RESULT = "(no result was recorded)"


def repair(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages with each tool call followed by exactly its own results.

    A call without a result gets one that says so; a result without a call is left out, and so
    is what may not stand inside a conversation: system messages and messages of unknown kinds.
    """
    repaired: list[AnyMessage] = []
    for place, message in enumerate(messages):
        if isinstance(message, AIMessage) and message.tool_calls:
            following = takewhile(_answers_tools, messages[place + 1 :])
            results = {m.tool_call_id: m for m in following if isinstance(m, ToolMessage)}
            repaired.append(message)
            repaired += [_result(call["id"] or "", results) for call in message.tool_calls]
        elif isinstance(message, HumanMessage | AIMessage):
            repaired.append(message)
    return repaired


def exchanges(messages: Iterable[AnyMessage]) -> list[Exchange]:
    """Return repaired messages cut before every user message, so that each part may lead."""
    parts: list[Exchange] = []
    for message in messages:
        if isinstance(message, HumanMessage) or not parts:
            parts.append([])
        parts[-1].append(message)
    return parts


def newest_user_message(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the last message of the user, or None."""
    return next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)


def text_of(message: AnyMessage) -> str:
    """Return the words of a message; other content blocks have none."""
    return str(message.text)


def _answers_tools(message: AnyMessage) -> bool:
    return isinstance(message, ToolMessage | SystemMessage)


def _result(call_id: str, results: dict[str, ToolMessage]) -> ToolMessage:
    return results.get(call_id) or ToolMessage(NO_RESULT, tool_call_id=call_id)
