"""The working state of a thread as JSON: which channels are exported, and what they may hold."""

from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from langchain_core.messages import AnyMessage, BaseMessage, messages_from_dict
from langgraph.channels import UntrackedValue
from pydantic import ConfigDict, ValidationError, create_model

from threadkeep.base.errors import BadInput
from threadkeep.graph.state import State

_ANNOTATIONS = get_type_hints(State, include_extras=True)
CHANNELS = tuple(
    field.name
    for field in fields(State)
    if UntrackedValue not in _ANNOTATIONS[field.name].__metadata__
)
"""The channels that a checkpoint holds."""
MESSAGE_TYPES = ("human", "ai", "system", "tool")
MAX_MESSAGES = 100_000

_TYPES = get_type_hints(State) | {"messages": list[dict[str, Any]]}
StateValue = create_model(
    "StateValue",
    __config__=ConfigDict(extra="forbid", strict=True),
    **{name: (_TYPES[name], None) for name in CHANNELS},  # type: ignore[call-overload]
)
"""The known channels, each with its type; others are refused."""


def default_state() -> dict[str, Any]:
    """Return the channels of a new thread."""
    state: dict[str, Any] = {}
    for field in fields(State):
        if field.name in CHANNELS:
            factory = field.default_factory
            state[field.name] = field.default if factory is MISSING else factory()
    return state


def parse_messages(state: dict[str, Any]) -> list[AnyMessage]:
    """Return the messages of a state that was read from JSON.

    Raises:
        BadInput: a message has an unknown type, no id, or is malformed.
    """
    records = state.get("messages") or []
    if len(records) > MAX_MESSAGES:
        raise BadInput(f"The state has more than {MAX_MESSAGES:,} messages.")
    return [_parse_message(place, record) for place, record in enumerate(records, start=1)]


def _parse_message(place: int, record: dict[str, Any]) -> Any:
    if record.get("type") not in MESSAGE_TYPES or not isinstance(record.get("data"), dict):
        raise BadInput(f"Message {place} of the state is none of {', '.join(MESSAGE_TYPES)}.")
    try:
        (message,) = messages_from_dict([record])
    except (ValidationError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]
        raise BadInput(f"Message {place} of the state is not allowed ({reason}).") from None
    if not isinstance(message, BaseMessage) or not message.id:
        raise BadInput(f"Message {place} of the state has no id.")
    return message
