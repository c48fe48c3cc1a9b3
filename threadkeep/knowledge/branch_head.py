"""The head of a branch: the state's newest stored message, and whether the store is there too."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AnyMessage

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.validation import sanitise_text
from threadkeep.graph.state import readable_values
from threadkeep.knowledge.message_versions import message_version


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest stored message of a state, and the texts of the messages in the state."""

    through: str
    """Id of the newest message that is stored."""
    stored: int
    """How many messages were stored on the way to it."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Text by id, of the stored messages that are still in the state."""
    removed: Set[str] = frozenset()
    """Ids of stored messages that were removed from the state."""


def head_of(values: Mapping[str, Any]) -> Head:
    """Return the head of a state, given its channel values."""
    readable = readable_values(values)
    through = readable.get("stored_through", "")
    return Head(
        through=through,
        stored=readable.get("stored", 0),
        texts=stored_texts(values.get("messages") or (), through),
    )


def stored_texts(messages: Sequence[AnyMessage], through: str) -> dict[str, str]:
    """Return the text by id of each message up to the newest stored one, `through`."""
    ids = [message.id for message in messages]
    end = ids.index(through) + 1 if through in ids else 0
    return {
        str(message.id): sanitise_text(text_with_tool_calls(message)) for message in messages[:end]
    }


def has_diverged(record: Mapping[str, Any], head: Head) -> bool:
    """Return whether the store is on another branch than the state, by the thread's record."""
    last = record.get("last_message")
    if last is None:
        return False
    if last != head.through or ("family" in record and not record.get("active")):
        return True
    changed = record.get("changed") or {}
    return any(
        message in head.texts and version != message_version(message, head.texts[message])
        for message, version in changed.items()
    )
