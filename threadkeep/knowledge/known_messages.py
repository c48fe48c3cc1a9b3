"""Tell what is new in the messages of a client, which may send its whole history each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
)
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.errors import BadInput
from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.validation import sanitise_text
from threadkeep.knowledge.branch_sync import thread_messages
from threadkeep.knowledge.stored_messages import ROLES
from threadkeep.stores.namespaces import messages_of, threads_of

Key = tuple[str, str]
"""Role and text of a message."""
MAX_ALIGNED = 4_000
"""The newest messages of a thread that those without known ids are compared with."""


@dataclass(frozen=True, kw_only=True)
class StoredPlace:
    """Where the long-term store has a thread's messages."""

    store: BaseStore
    owner: str
    thread: str


@dataclass(kw_only=True)
class MessageChanges:
    """What the messages of a client change in a thread; known ones change nothing."""

    new: list[BaseMessage] = field(default_factory=list)
    edited: list[BaseMessage] = field(default_factory=list)
    """Other words for messages in the state, under the ids that they have there."""
    removed: list[str] = field(default_factory=list)
    """Ids of messages in the state."""
    stored_edits: dict[str, str] = field(default_factory=dict)
    """Other words, by id, for messages that left the state and are stored."""
    stored_removed: list[str] = field(default_factory=list)
    """Ids of messages that left the state and are stored."""
    former_texts: dict[str, str] = field(default_factory=dict)
    """The words before, of all that is edited or removed."""
    clears: bool = False
    """All messages of the thread are removed first."""

    @property
    def changes_history(self) -> bool:
        """Whether anything changes beside the new messages."""
        return self.clears or bool(self.former_texts)


async def changes_of(
    messages: Sequence[BaseMessage],
    state: Sequence[AnyMessage],
    stored: StoredPlace | None,
    *,
    whole_history: bool,
) -> MessageChanges:
    """Return what `messages` change in a thread whose state has the messages `state`.

    A message is known by its id. With `whole_history`, those of unknown ids are compared with the
    thread by role and text too, as the history of a client without ids, or with ids of its own.

    Raises:
        BadInput: an id is that of a message of another role.
    """
    changes = MessageChanges()
    clear = [place for place, m in enumerate(messages) if _removes_all(m)]
    if clear:
        changes.clears = True
        changes.new = [m for m in messages[clear[-1] + 1 :] if not isinstance(m, RemoveMessage)]
        return changes
    in_state = {str(message.id): message for message in state}
    items = await _stored_items(messages, in_state, stored)
    unknown: list[BaseMessage] = []
    for message in messages:
        item = items.get(str(message.id))
        current = in_state.get(str(message.id))
        if current is None and item is None:
            unknown.append(message)
        elif isinstance(message, RemoveMessage):
            _remove(changes, str(message.id), current, item)
        else:
            _compare(changes, message, current, item)
    unknown = [message for message in unknown if not isinstance(message, RemoveMessage)]
    if whole_history:
        unknown = _new_system_messages(changes, messages, unknown, state)
        if _may_be_history(unknown):
            history = await _history(state, stored)
            unknown = _align(changes, messages, unknown, history, in_state)
    changes.new = unknown
    return changes


def _removes_all(message: BaseMessage) -> bool:
    return isinstance(message, RemoveMessage) and message.id == REMOVE_ALL_MESSAGES


async def _stored_items(
    messages: Sequence[BaseMessage],
    in_state: Mapping[str, AnyMessage],
    stored: StoredPlace | None,
) -> dict[str, Item]:
    """Return the stored messages of the ids that the state does not answer for."""
    ids = [
        str(message.id)
        for message in messages
        if message.id
        and (
            message.id not in in_state
            or isinstance(message, RemoveMessage)
            or not _same(message, in_state[message.id])
        )
    ]
    if not ids or stored is None:
        return {}
    namespace = messages_of(stored.owner, stored.thread)
    items = await stored.store.abatch([GetOp(namespace, message_id) for message_id in ids])
    return {item.key: item for item in items if isinstance(item, Item)}


def _remove(
    changes: MessageChanges, message_id: str, current: AnyMessage | None, item: Item | None
) -> None:
    (changes.removed if current else changes.stored_removed).append(message_id)
    changes.former_texts[message_id] = (
        _text(current) if current else str(item and item.value["text"])
    )


def _compare(
    changes: MessageChanges, message: BaseMessage, current: AnyMessage | None, item: Item | None
) -> None:
    """Note the message as edited, unless the thread has or had it in these words."""
    message_id, text = str(message.id), _text(message)
    role = ROLES.get(current.type) if current else item and item.value.get("role")
    if role != ROLES.get(message.type):
        raise BadInput(
            f"The id {message_id!r:.60} is of a message of the {role}; give each message its own."
        )
    former = {entry["text"] for entry in item.value.get("history") or ()} if item else set()
    if current is not None and not _same(message, current) and text not in former:
        changes.edited.append(message)
        changes.former_texts[message_id] = _text(current)
    elif (
        current is None and item and text.strip() not in (str(item.value["text"]).strip(), *former)
    ):
        changes.stored_edits[message_id] = text
        changes.former_texts[message_id] = str(item.value["text"])


def _new_system_messages(
    changes: MessageChanges,
    messages: Sequence[BaseMessage],
    unknown: Sequence[BaseMessage],
    state: Sequence[AnyMessage],
) -> list[BaseMessage]:
    """Return the unknown messages without system messages that the state has.

    A run that begins with other system messages replaces those of the runs before.
    """
    before = {_text(m).strip(): m for m in state if isinstance(m, SystemMessage)}
    incoming = {_text(m).strip() for m in messages if isinstance(m, SystemMessage)}
    incoming_ids = {m.id for m in messages if m.id}
    new = [m for m in unknown if not isinstance(m, SystemMessage) or _text(m).strip() not in before]
    first = messages[0] if messages else None
    if isinstance(first, SystemMessage) and any(isinstance(m, SystemMessage) for m in new):
        for text, message in before.items():
            if text not in incoming and message.id not in incoming_ids:
                changes.removed.append(str(message.id))
                changes.former_texts[str(message.id)] = text
    return new


def _may_be_history(unknown: Sequence[BaseMessage]) -> bool:
    others = [message for message in unknown if not isinstance(message, SystemMessage)]
    return len(others) > 1 or any(not isinstance(message, HumanMessage) for message in others)


async def _history(
    state: Sequence[AnyMessage], stored: StoredPlace | None
) -> list[tuple[str, Key]]:
    """Return id, role and text of the newest messages of a thread, in their order."""
    entries: dict[str, Key] = {}
    if stored is not None:
        record = await stored.store.aget(threads_of(stored.owner), stored.thread)
        if record is not None:
            values = await thread_messages(stored.store, stored.owner, stored.thread, record.value)
            entries = {
                message_id: (str(value.get("role")), str(value.get("text")).strip())
                for message_id, value in values
            }
    entries |= {str(message.id): _key(message) for message in state}
    history = [entry for entry in entries.items() if entry[1][0] != "system"]
    return history[-MAX_ALIGNED:]


def _align(
    changes: MessageChanges,
    messages: Sequence[BaseMessage],
    unknown: Sequence[BaseMessage],
    history: Sequence[tuple[str, Key]],
    in_state: Mapping[str, AnyMessage],
) -> list[BaseMessage]:
    """Return the messages that are not in the history; note those that are there in other words."""
    keys = dict(history)
    incoming = [m for m in messages if not isinstance(m, SystemMessage | RemoveMessage)]
    incoming_keys = [keys.get(str(m.id)) or _key(m) for m in incoming]
    pairs = _pairs([key for _, key in history], incoming_keys)
    unknown_ids = {id(message) for message in unknown}
    known_places = {place for _, place in pairs if id(incoming[place]) in unknown_ids}
    same = [(at, place) for at, place in pairs if history[at][1] == incoming_keys[place]]
    if not any(
        incoming_keys[place][0] != "user" or (at == 0 and len(incoming) > 1) for at, place in same
    ):
        return list(unknown)
    for at, place in pairs:
        message_id, key = history[at]
        if place in known_places and key != incoming_keys[place]:
            message = incoming[place].model_copy(update={"id": message_id})
            changes.former_texts[message_id] = key[1]
            if message_id in in_state:
                changes.edited.append(message)
            else:
                changes.stored_edits[message_id] = _text(message)
    known_objects = {id(incoming[place]) for place in known_places}
    return [message for message in unknown if id(message) not in known_objects]


def _pairs(history: Sequence[Key], incoming: Sequence[Key]) -> list[tuple[int, int]]:
    """Return which messages are which: the same ones, and between them edited ones.

    What comes in should begin with the end of the history; else the longest common parts count,
    and the last message is new.
    """
    for length in range(min(len(history), len(incoming)), 0, -1):
        if list(history[-length:]) == list(incoming[:length]):
            return [(len(history) - length + place, place) for place in range(length)]
    pairs: list[tuple[int, int]] = []
    older = incoming[:-1]
    matcher = SequenceMatcher(None, history, older, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        places = list(zip(range(first, last), range(start, end), strict=False))
        if tag == "equal":
            pairs += places
        elif tag == "replace":
            inside = end < len(older) and last - first == end - start
            for at, place in places:
                role = history[at][0]
                if role != incoming[place][0] or not (inside or role == "assistant"):
                    break
                pairs.append((at, place))
    return pairs


def _same(message: BaseMessage, current: BaseMessage) -> bool:
    """Return whether two messages say the same; clients format blocks in their own ways."""
    return (
        message.type == current.type
        and _text(message).strip() == _text(current).strip()
        and _media(message) == _media(current)
    )


def _media(message: BaseMessage) -> int:
    """Return how many pictures, files and the like are in a message."""
    if isinstance(message, AIMessage) or isinstance(message.content, str):
        return 0
    return sum(isinstance(b, dict) and b.get("type") != "text" for b in message.content)


def _key(message: BaseMessage) -> Key:
    return ROLES.get(message.type, "system"), _text(message).strip()


def _text(message: BaseMessage) -> str:
    return sanitise_text(text_with_tool_calls(message))
