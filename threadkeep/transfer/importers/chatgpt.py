"""Conversations that ChatGPT exports: `conversations.json`, each a tree of messages.

The branch from the root to `current_node` is imported. Regenerated answers and edited questions
are on other branches; they are left out and counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.timestamps import parse_timestamp
from threadkeep.base.validation import sanitise_text
from threadkeep.transfer.importers.message_content import source_id_of
from threadkeep.transfer.importers.thread_names import ThreadNames
from threadkeep.transfer.importers.transcript import (
    Conversation,
    ImportPath,
    Role,
    Transcript,
    TranscriptMessage,
    read_list,
    split_text,
    validate_text,
)

ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
TEXT_TYPES = ("text", "multimodal_text")
UNTITLED = "ChatGPT"
START = datetime.fromtimestamp(0, UTC)
Node = Mapping[str, Any]


def read_chatgpt(path: ImportPath, user: str) -> Transcript:
    """Read a `conversations.json`: each conversation is a thread, named by its title.

    Raises:
        BadInput: the file is missing, or holds no JSON list.
    """
    transcript = Transcript()
    skipped: Counter[str] = Counter()
    names = ThreadNames(UNTITLED)
    records = enumerate(read_list(path, single="mapping"), start=1)
    conversations = [(_created(record), place, record) for place, record in records]
    # The oldest first: of two with one title it gets the same name in every later export.
    for created, place, record in sorted(conversations, key=lambda entry: entry[:2]):
        try:
            nodes, branch = _current_branch(record)
        except BadInput as error:
            transcript.add_fault(f"conversation {place}", error)
            continue
        spoken = sum(_is_spoken(node) for node in nodes.values())
        current = sum(_is_spoken(nodes[key]) for key in branch)
        skipped["on branches that were left"] += spoken - current
        branch_nodes = [nodes[key] for key in branch]
        first = len(transcript.messages) + 1
        times = _Times(f"conversation {place}", created, transcript)
        messages = list(_messages(branch_nodes, times, first, skipped))
        if messages:
            thread = names.add(record.get("title"), created)
            conversation = _conversation(record, nodes)
            transcript.messages += [
                TranscriptMessage(**message, user=user, thread=thread, conversation=conversation)
                for message in messages
            ]
    transcript.notes += [
        f"{count:,} messages {reason}" for reason, count in skipped.items() if count
    ]
    return transcript


class _Times:
    """The times of the messages of one branch, in order; unreadable ones are reported."""

    def __init__(self, place: str, created: datetime, transcript: Transcript) -> None:
        self._place = place
        self._transcript = transcript
        self.last = created

    def next(self, number: int, value: object) -> datetime:
        """Return the time of a message; without one, or with that of an edit, the last time."""
        if value is not None:
            try:
                self.last = max(self.last, parse_timestamp(value).time)
            except BadInput as error:
                self._transcript.notes.append(
                    f"the time of message {number} of {self._place}, which got the time before "
                    f"it: {error}"
                )
        return self.last


def _conversation(record: Mapping[str, Any], nodes: Mapping[str, Node]) -> Conversation:
    id_ = source_id_of(record.get("conversation_id")) or source_id_of(record.get("id"))
    times = [_moment(record.get("update_time")), *map(_time_of_node, nodes.values())]
    newest = max((time for time in times if time), default=START)
    version = (newest.isoformat(timespec="microseconds"), len(nodes))
    return Conversation(source="chatgpt", id=id_, version=version, is_complete=id_ is not None)


def _created(record: Any) -> datetime:
    timestamp = record.get("create_time") if isinstance(record, dict) else None
    return _moment(timestamp) or START


def _moment(timestamp: object) -> datetime | None:
    try:
        return parse_timestamp(timestamp).time
    except BadInput:
        return None


def _current_branch(record: Any) -> tuple[dict[str, Node], list[str]]:
    """Return the nodes of a conversation, and the ids of those on the current branch."""
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    mapping = record.get("mapping")
    if not isinstance(mapping, dict):
        raise BadInput(f"The mapping is {json_type(mapping)}, not an object.")
    nodes: dict[str, Node] = {key: node for key, node in mapping.items() if isinstance(node, dict)}
    key, branch = record.get("current_node"), list[str]()
    if not isinstance(key, str) or key not in nodes:
        key = _newest_leaf(nodes)
    visited: set[str] = set()
    while isinstance(key, str) and key in nodes:
        if key in visited:
            raise BadInput(f"The message {key!r:.60} comes before itself.")
        visited.add(key)
        branch.append(key)
        key = nodes[key].get("parent")
    return nodes, branch[::-1]


def _newest_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the newest node without children."""
    parents = {str(node.get("parent")) for node in nodes.values()}
    leaves = [key for key in nodes if key not in parents]
    return max(leaves, key=lambda key: _time_of_node(nodes[key]) or START, default=None)


def _time_of_node(node: Node) -> datetime | None:
    message = node.get("message")
    return _moment(message.get("create_time")) if isinstance(message, dict) else None


def _is_spoken(node: Node) -> bool:
    """Return whether a node is a visible message between the user and the model."""
    message = node.get("message")
    if not isinstance(message, dict):
        return False
    author, metadata = message.get("author"), message.get("metadata")
    role = author.get("role") if isinstance(author, dict) else None
    is_hidden = (
        isinstance(metadata, dict) and metadata.get("is_visually_hidden_from_conversation") is True
    )
    has_role = isinstance(role, str) and role in ROLES
    return has_role and not is_hidden and message.get("recipient", "all") == "all"


def _messages(
    branch: list[Node], times: _Times, first: int, skipped: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Yield the fields of messages from number `first` on; a long message becomes several."""
    number, last = first, times.last
    for place, node in enumerate(branch, start=1):
        message = node.get("message")
        if not _is_spoken(node) or not isinstance(message, dict):
            skipped["of tools, instructions and hidden steps"] += bool(message)
            continue
        text = _text(message.get("content"))
        if not text.strip():
            skipped["without words"] += 1
            continue
        # Some messages have no time, or the time of a later edit: keep the order.
        time = max(last, times.next(place, message.get("create_time")))
        for part in split_text(text):
            yield {
                "number": number,
                "role": ROLES[message["author"]["role"]],
                "text": validate_text(part),
                "time": time,
                "source_id": source_id_of(message.get("id")),
            }
            number += 1
            last = time = time + timedelta(milliseconds=1)


def _text(content: object) -> str:
    """Return the text of a content, with a note for each image."""
    if not isinstance(content, dict) or content.get("content_type") not in TEXT_TYPES:
        return ""
    parts = content.get("parts")
    texts = [_part_text(part) for part in parts] if isinstance(parts, list) else []
    return sanitise_text("\n".join(text for text in texts if text))


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    if isinstance(part.get("text"), str):
        return str(part["text"])
    kind = str(part.get("content_type") or "")
    return "[shares an image]" if kind.startswith("image") else ""
