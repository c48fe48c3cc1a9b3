"""Cut a conversation into exchanges: a user message with everything that answers it."""

from collections.abc import Callable, Iterable, Sequence

from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage, ToolMessage

Exchange = list[AnyMessage]
"""A user message and all messages that answer it."""


def split_exchanges(messages: Iterable[AnyMessage]) -> list[Exchange]:
    """Return the messages cut before every user message; the first part may have none."""
    return _split(messages, lambda message: isinstance(message, HumanMessage))


def split_steps(messages: Iterable[AnyMessage]) -> list[list[AnyMessage]]:
    """Return the messages cut so that each tool call stays with its results."""
    return _split(messages, lambda message: not isinstance(message, ToolMessage))


def starts_with_user(exchange: Exchange) -> bool:
    """Return whether an exchange begins with a user message."""
    return isinstance(exchange[0], HumanMessage)


def newest_user_message(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the last user message, or None."""
    return next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)


def is_offline_reply(message: BaseMessage) -> bool:
    """Return whether the offline model wrote a message; it only repeats what others said."""
    return message.response_metadata.get("model_name") == "offline"


def _split(
    messages: Iterable[AnyMessage], starts_part: Callable[[AnyMessage], bool]
) -> list[list[AnyMessage]]:
    parts: list[list[AnyMessage]] = []
    for message in messages:
        if starts_part(message) or not parts:
            parts.append([])
        parts[-1].append(message)
    return parts
