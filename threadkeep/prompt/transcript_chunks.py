"""Cut messages into transcripts that fit into one call of the summariser; no word is dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AnyMessage

from threadkeep.base.tokens import count_text
from threadkeep.prompt.exchanges import split_exchanges
from threadkeep.prompt.templates import transcript_line


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """The transcript of one call."""

    text: str
    messages: int
    """How many messages are complete with this chunk; 0 in the middle of an exchange."""


def chunk_transcript(messages: Sequence[AnyMessage], max_tokens: int) -> list[Chunk]:
    """Return the messages as transcripts of at most `max_tokens` tokens.

    A chunk holds whole exchanges, so that the messages behind it begin with a question. An
    exchange that is too long takes several chunks; the last one completes it.
    """
    chunks: list[Chunk] = []
    lines: list[str] = []
    size = count = 0
    for exchange in split_exchanges(messages):
        text = "\n".join(map(transcript_line, exchange))
        cost = count_text(text) + 1
        if lines and size + cost > max_tokens:
            chunks.append(Chunk(text="\n".join(lines), messages=count))
            lines, size, count = [], 0, 0
        if cost > max_tokens:
            *parts, text = _cut(text, max_tokens)
            chunks += [Chunk(text=part, messages=0) for part in parts]
            cost = count_text(text) + 1
        lines.append(text)
        size, count = size + cost, count + len(exchange)
    return [*chunks, Chunk(text="\n".join(lines), messages=count)] if lines else chunks


def _cut(text: str, max_tokens: int) -> list[str]:
    """Return `text` in parts of less than `max_tokens`, cut at line ends or blanks if possible."""
    if count_text(text) < max_tokens or len(text) < 2:
        return [text]
    half = len(text) // 2
    at = max(text.rfind("\n", half // 2, half), text.rfind(" ", half // 2, half)) + 1 or half
    return [*_cut(text[:at], max_tokens), *_cut(text[at:], max_tokens)]
