"""Messages cut into pieces that a summariser can be shown, not a word left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage, HumanMessage

from threadkeep.base.tokens import count_text
from threadkeep.prompt.texts import as_line


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one call is shown, and how many messages it completes."""

    text: str
    covers: int
    """Messages that are fully shown with this piece; 0 in the middle of an exchange."""


def in_pieces(messages: Sequence[AnyMessage], room: int) -> list[Piece]:
    """Return the messages as transcripts of at most `room` tokens.

    A piece covers whole exchanges, so that what follows begins with a question. An exchange that
    is too long alone takes several pieces, of which the last one covers it.
    """
    pieces: list[Piece] = []
    lines: list[str] = []
    size = covers = 0
    for group in _groups(messages):
        text = "\n".join(map(as_line, group))
        cost = count_text(text) + 1
        if lines and size + cost > room:
            pieces.append(Piece(text="\n".join(lines), covers=covers))
            lines, size, covers = [], 0, 0
        if cost > room:
            *first, text = _cut(text, room)
            pieces += [Piece(text=part, covers=0) for part in first]
            cost = count_text(text) + 1
        lines.append(text)
        size, covers = size + cost, covers + len(group)
    return [*pieces, Piece(text="\n".join(lines), covers=covers)] if lines else pieces


def _groups(messages: Sequence[AnyMessage]) -> list[list[AnyMessage]]:
    """Return the messages cut before every one of the user; none is left out."""
    groups: list[list[AnyMessage]] = []
    for message in messages:
        if isinstance(message, HumanMessage) or not groups:
            groups.append([])
        groups[-1].append(message)
    return groups


def _cut(text: str, room: int) -> list[str]:
    """Return `text` in parts of less than `room` tokens, cut at line ends or blanks if it can."""
    if count_text(text) < room or len(text) < 2:
        return [text]
    half = len(text) // 2
    at = max(text.rfind("\n", half // 2, half), text.rfind(" ", half // 2, half)) + 1 or half
    return [*_cut(text[:at], room), *_cut(text[at:], room)]
