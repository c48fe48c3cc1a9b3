"""The working state of a thread as JSON: which channels travel, and what they may hold."""

from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from langchain_core.messages import AnyMessage, BaseMessage, messages_from_dict
from langgraph.channels import UntrackedValue
from pydantic import ConfigDict, ValidationError, create_model

from threadkeep.base.errors import BadInput
from threadkeep.graph.state import State

_DECLARED = get_type_hints(State, include_extras=True)
KEPT = tuple(
    field.name
    for field in fields(State)
    if UntrackedValue not in _DECLARED[field.name].__metadata__
)
"""The channels that a checkpoint holds."""
TYPES = ("human", "ai", "system", "tool")
MOST_MESSAGES = 100_000

_PLAIN = get_type_hints(State) | {"messages": list[dict[str, Any]]}
VALUES = create_model(
    "StateValue",
    __config__=ConfigDict(extra="forbid", strict=True),
    **{name: (_PLAIN[name], None) for name in KEPT},  # type: ignore[call-overload]
)
"""What the state of a thread may hold on a line: channels that are known, each of its type."""


def defaults() -> dict[str, Any]:
    """Return the channels of a state that has just begun."""
    begun: dict[str, Any] = {}
    for field in fields(State):
        if field.name in KEPT:
            made = field.default_factory
            begun[field.name] = field.default if made is MISSING else made()
    return begun


def check_messages(value: dict[str, Any]) -> None:
    """Refuse what is no message of a conversation.

    Raises:
        BadInput: a message has another type, no id, or does not make one.
    """
    messages_of(value)


def messages_of(value: dict[str, Any]) -> list[AnyMessage]:
    """Return the messages of a state's value.

    Raises:
        BadInput: a message has another type, no id, or does not make one.
    """
    told = value.get("messages") or []
    if len(told) > MOST_MESSAGES:
        raise BadInput(f"The state has more than {MOST_MESSAGES:,} messages.")
    made: list[Any] = []
    for place, each in enumerate(told, start=1):
        if each.get("type") not in TYPES or not isinstance(each.get("data"), dict):
            raise BadInput(f"Message {place} of the state is none of {', '.join(TYPES)}.")
        try:
            (message,) = messages_from_dict([each])
        except (ValidationError, TypeError, ValueError) as error:
            said = " ".join(str(error).split())[:100]
            raise BadInput(f"Message {place} of the state is not allowed ({said}).") from None
        if not isinstance(message, BaseMessage) or not message.id:
            raise BadInput(f"Message {place} of the state has no id.")
        made.append(message)
    return made
