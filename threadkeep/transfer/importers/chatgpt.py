"""Conversations as ChatGPT exports them: `conversations.json`, each a tree of messages.

What is on the way from the root to `current_node` is what was last seen in the chat. Answers that
were made again and questions that were edited stand beside it; they are left out, and counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from threadkeep.base.errors import BadInput
from threadkeep.base.strict_json import json_type
from threadkeep.base.validation import MAX_ID_CHARACTERS, sanitise_text, validate_id
from threadkeep.transfer.importers.transcript import (
    Line,
    Role,
    Transcript,
    check_text,
    pieces,
    read_list,
)

ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}
TEXTUAL = ("text", "multimodal_text")
UNTITLED = "ChatGPT"
LAST_SECOND = 253_402_300_799
Node = Mapping[str, Any]


def read_chatgpt(path: Path, user: str) -> Transcript:
    """Return what a `conversations.json` holds: one thread a conversation, named by its title.

    Raises:
        BadInput: there is no such file, or it is no JSON list.
    """
    found = Transcript()
    left: Counter[str] = Counter()
    named: set[str] = set()
    told = [(_began(each), place, each) for place, each in enumerate(read_list(path), start=1)]
    # By age, so that of two with one title the older has it in every later export too.
    for began, place, record in sorted(told, key=lambda each: each[:2]):
        where = f"conversation {place}"
        try:
            nodes, way = _way(record)
        except BadInput as error:
            found.refuse(where, error)
            continue
        spoken = sum(_speaks(node) for node in nodes.values())
        left["on branches that were left"] += spoken - sum(_speaks(nodes[each]) for each in way)
        lines = list(_lines([nodes[each] for each in way], began, len(found.lines), left))
        if lines:
            thread = _thread(record.get("title"), began, named)
            found.lines += [Line(**line, user=user, thread=thread) for line in lines]
    found.notes = [f"{count:,} messages {why}" for why, count in left.items() if count]
    return found


def _began(record: Any) -> datetime:
    told = record.get("create_time") if isinstance(record, dict) else None
    return _moment(told) or datetime.fromtimestamp(0, UTC)


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < LAST_SECOND else None


def _way(record: Any) -> tuple[dict[str, Node], list[str]]:
    """Return the nodes of a conversation, and the ids of those from its root to its newest."""
    if not isinstance(record, dict):
        raise BadInput(f"It is {json_type(record)}, not an object.")
    mapping = record.get("mapping")
    if not isinstance(mapping, dict):
        raise BadInput(f"The mapping is {json_type(mapping)}, not an object.")
    nodes: dict[str, Node] = {key: node for key, node in mapping.items() if isinstance(node, dict)}
    at, way = record.get("current_node"), list[str]()
    if not isinstance(at, str) or at not in nodes:
        at = _newest_leaf(nodes)
    passed: set[str] = set()
    while isinstance(at, str) and at in nodes:
        if at in passed:
            raise BadInput(f"The message {at!r:.60} comes before itself.")
        passed.add(at)
        way.append(at)
        at = nodes[at].get("parent")
    return nodes, way[::-1]


def _newest_leaf(nodes: Mapping[str, Node]) -> str | None:
    """Return the last message that nothing follows, where the file does not say which it is."""
    parents = {str(node.get("parent")) for node in nodes.values()}
    leaves = [key for key in nodes if key not in parents]
    return max(leaves, key=lambda key: _time(nodes[key]) or 0, default=None)


def _time(node: Node) -> float | None:
    message = node.get("message")
    moment = _moment(message.get("create_time")) if isinstance(message, dict) else None
    return moment.timestamp() if moment else None


def _speaks(node: Node) -> bool:
    """Tell whether a node is something that a person or the model said to the other."""
    message = node.get("message")
    if not isinstance(message, dict):
        return False
    author, about = message.get("author"), message.get("metadata")
    role = author.get("role") if isinstance(author, dict) else None
    hidden = isinstance(about, dict) and about.get("is_visually_hidden_from_conversation") is True
    told = isinstance(role, str) and role in ROLES
    return told and not hidden and message.get("recipient", "all") == "all"


def _lines(
    way: list[Node], began: datetime, number: int, left: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Yield what lines are made of; a message too long for one becomes several."""
    last = began
    for node in way:
        message = node.get("message")
        if not _speaks(node) or not isinstance(message, dict):
            left["of tools, instructions and hidden steps"] += bool(message)
            continue
        text = _text(message.get("content"))
        if not text.strip():
            left["without words"] += 1
            continue
        # No earlier than what it answers: some have no time, or that of a later edit.
        last = max(last, _moment(message.get("create_time")) or last)
        for piece in pieces(text):
            number += 1
            yield {
                "number": number,
                "role": ROLES[message["author"]["role"]],
                "text": check_text(piece),
                "time": last,
                "source_id": _source(message.get("id")),
            }
            last += timedelta(milliseconds=1)


def _text(content: object) -> str:
    """Return the words of a message's content; of what is no text, what it is."""
    if not isinstance(content, dict) or content.get("content_type") not in TEXTUAL:
        return ""
    parts = content.get("parts")
    words = [_part(part) for part in parts] if isinstance(parts, list) else []
    return sanitise_text("\n".join(word for word in words if word))


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    if isinstance(part.get("text"), str):
        return str(part["text"])
    kind = str(part.get("content_type") or "")
    return "[shares an image]" if kind.startswith("image") else ""


def _source(value: object) -> str | None:
    try:
        return validate_id(value, "id")
    except BadInput:
        return None


def _thread(title: object, began: datetime, named: set[str]) -> str:
    """Return a name that no other conversation of the file has: its title, and when if need be."""
    words = " ".join(sanitise_text(title).split()) if isinstance(title, str) else ""
    plain = "".join(each for each in words if each.isprintable()).strip() or UNTITLED
    more = ["", f" ({began:%Y-%m-%d})", f" ({began:%Y-%m-%d %H:%M:%S})"]
    more += [f" ({number})" for number in range(2, len(named) + 3)]
    for end in more:
        name = validate_id(plain[: MAX_ID_CHARACTERS - len(end)].strip() + end, "thread")
        if name not in named:
            break
    named.add(name)
    return name
