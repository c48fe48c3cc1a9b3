"""A summary without a model: the sentences that tell most, as they were said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.message_text import text_with_tool_calls
from threadkeep.base.tokens import count_text
from threadkeep.extract.sentences import sentences

LONGEST_SENTENCE: Final = 300
MOST_SENTENCES: Final = 400
_SPEAKERS: Final = {"human": "user", "ai": "assistant"}
_PATH: Final = re.compile(r"https?://|[\w.-]{1,80}/[\w.-]|\b[\w-]{1,60}\.[a-z]{2,4}\b")
_QUOTED: Final = re.compile(r"[\"“`«]")
_DENIED: Final = re.compile(r"\b(?:not|never|no|don't|doesn't|won't|can't|isn't|without|instead)\b")
_DATED: Final = re.compile(
    r"\b(?:yesterday|tomorrow|today|last|next|january|february|march|april|june|july|august|"
    r"september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|"
    r"sunday|birthday|deadline)\b"
)
_DECIDED: Final = re.compile(
    r"\b(?:my|decided|decide|agreed|must|will|moved|prefer|always|remember|important|called|named)\b"
)
_EMPTY: Final = re.compile(r"^(?:i have kept that|i don't know that|noted|no language model)\b")


@dataclass(frozen=True)
class _Line:
    place: int
    text: str
    worth: float


def summarize(previous: str, messages: Sequence[BaseMessage], max_tokens_estimate: int) -> str:
    """Return `previous` extended by what `messages` say, in at most `max_tokens_estimate` tokens.

    The same input gives the same summary. What was there stands first; over the size, the lines
    that tell least go, wherever they stand. Never empty where something was said.
    """
    old = [part for line in previous.splitlines() for part in _parts(line)]
    told = [message for message in messages if not _repeats(message)] or messages
    new = [line for message in told for line in _told(message)]
    lines = list(dict.fromkeys([*old, *new]))
    ranked = [
        _Line(place, line, worth(line) + (0.5 if place < len(old) else 0.0))
        for place, line in enumerate(lines)
    ]
    return _within(ranked, max(1, max_tokens_estimate))


def worth(sentence: str) -> float:
    """Return how much a sentence tells: names, numbers, dates, paths, quotes and denials count."""
    text = sentence.partition(": ")[2] or sentence
    low = text.lower()
    if _EMPTY.match(low):
        return -2.0
    words = text.split()
    names = sum(word[:1].isupper() for word in words[1:])
    told = 1.0 * min(names, 3) + 1.5 * any(map(str.isdigit, text))
    told += 1.5 * bool(_PATH.search(text)) + 1.0 * bool(_QUOTED.search(text))
    told += 1.0 * bool(_DENIED.search(low)) + 1.0 * bool(_DATED.search(low))
    told += 1.0 * bool(_DECIDED.search(low)) + 0.5 * (len(words) >= 5)
    told -= 1.0 * (text == "(no text)") + 1.5 * text.rstrip().endswith("?")
    told -= 1.0 * (len(words) < 3 and told <= 0)
    return told - 1.0 * sentence.startswith(("assistant:", "tool:"))


def _told(message: BaseMessage) -> list[str]:
    """Return the sentences of a message, each with its speaker."""
    speaker = message.name or _SPEAKERS.get(message.type, message.type)
    text = text_with_tool_calls(message)
    return [
        f"{speaker}: {_shortened(sentence)}" for sentence in sentences(text)[:MOST_SENTENCES]
    ] or [f"{speaker}: (no text)"]


def _parts(line: str) -> list[str]:
    """Return a line of an earlier summary; a paragraph is cut into its sentences."""
    return [line.strip()] if 0 < len(line.strip()) <= LONGEST_SENTENCE else sentences(line)


def _repeats(message: BaseMessage) -> bool:
    """Tell whether it is the offline model's, whose words only repeat what others said."""
    return message.response_metadata.get("model_name") == "offline"


def _shortened(sentence: str) -> str:
    """Return a sentence of at most `LONGEST_SENTENCE` characters, its middle left out."""
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    half = LONGEST_SENTENCE // 2 - 3
    return f"{sentence[:half].rstrip()} ... {sentence[-half:].lstrip()}"


def _within(lines: Sequence[_Line], tokens: int) -> str:
    """Return the lines that tell most within the size, in their order; one in any case."""
    kept: list[_Line] = []
    ranked = sorted(lines, key=lambda each: (-each.worth, -each.place))
    for line in ranked:
        cost = count_text(line.text) + 1
        if cost <= tokens:
            kept.append(line)
            tokens -= cost
    if not kept and ranked:
        return _cut(ranked[0].text, tokens)
    return "\n".join(line.text for line in sorted(kept, key=lambda each: each.place))


def _cut(text: str, tokens: int) -> str:
    """Return the front of `text` that takes at most `tokens`; one character in any case."""
    while len(text) > 1 and (size := count_text(text)) > tokens:
        text = text[: max(1, min(len(text) - 1, len(text) * tokens // size))]
    return text
