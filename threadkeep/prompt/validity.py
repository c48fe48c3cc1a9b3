"""What a provider accepts: exchanges kept whole, every tool call beside its results."""

from collections.abc import Iterable, Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage

from threadkeep.base.message_text import text_of as text_of
from threadkeep.prompt.valid_content import legal

Exchange = list[AnyMessage]
"""A message from the user and all that answers it."""

NO_RESULT = "(no result was recorded)"


def repair(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages with each tool call followed by exactly its own results.

    A call without a result gets one that says so; a result without a call is left out, and so
    is what may not stand inside a conversation: system messages and messages of unknown kinds.
    """
    repaired: list[AnyMessage] = []
    place = 0
    while place < len(messages):
        message = legal(messages[place])
        place += 1
        if isinstance(message, AIMessage) and message.tool_calls:
            results: dict[str, ToolMessage] = {}
            while place < len(messages) and isinstance(
                following := messages[place], ToolMessage | SystemMessage
            ):
                if isinstance(following, ToolMessage):
                    results[following.tool_call_id] = following
                place += 1
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


def steps(messages: Iterable[AnyMessage]) -> list[list[AnyMessage]]:
    """Return repaired messages cut so that each call stays with its results."""
    parts: list[list[AnyMessage]] = []
    for message in messages:
        if not isinstance(message, ToolMessage) or not parts:
            parts.append([])
        parts[-1].append(message)
    return parts


def starts_with_user(exchange: Exchange) -> bool:
    """Return whether an exchange begins with a message of the user."""
    return isinstance(exchange[0], HumanMessage)


def newest_user_message(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the last message of the user, or None."""
    return next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)


def _result(call_id: str, results: dict[str, ToolMessage]) -> ToolMessage:
    found = results.get(call_id)
    if found is None:
        return ToolMessage(NO_RESULT, tool_call_id=call_id)
    checked = legal(found)
    return checked if isinstance(checked, ToolMessage) else found
