"""A summary without a model: the most informative sentences, word for word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.message_text import transcript_of
from threadkeep.base.tokens import count_text
from threadkeep.extract.sentences import sentences
from threadkeep.prompt.exchanges import is_offline_reply

MAX_SENTENCE_CHARACTERS: Final = 300
MAX_SENTENCES: Final = 400
"""Of one message."""
OLD_LINE_BONUS: Final = 0.5
_SPEAKERS: Final = {"human": "user", "ai": "assistant"}
_PATH: Final = re.compile(r"https?://|[\w.-]{1,80}/[\w.-]|\b[\w-]{1,60}\.[a-z]{2,4}\b")
_QUOTE: Final = re.compile(r"[\"“`«]")
_DENIAL: Final = re.compile(r"\b(?:not|never|no|don't|doesn't|won't|can't|isn't|without|instead)\b")
_DATE: Final = re.compile(
    r"\b(?:yesterday|tomorrow|today|last|next|january|february|march|april|june|july|august|"
    r"september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|"
    r"sunday|birthday|deadline)\b"
)
_DECISION: Final = re.compile(
    r"\b(?:my|decided|decide|agreed|must|will|moved|prefer|always|remember|important|called|named)\b"
)
_FILLER: Final = re.compile(r"^(?:i have kept that|i don't know that|noted|no language model)\b")


@dataclass(frozen=True)
class _Line:
    index: int
    text: str
    score: float


def summarize(previous: str, messages: Sequence[BaseMessage], max_tokens: int) -> str:
    """Return `previous` extended by sentences of `messages`, in at most `max_tokens` tokens.

    Deterministic. The lines of `previous` come first; over the size, the least informative lines
    are dropped. Never empty if there are messages.
    """
    old = [part for line in previous.splitlines() for part in _summary_lines(line)]
    informative = [message for message in messages if not is_offline_reply(message)] or messages
    new = [line for message in informative for line in _message_lines(message)]
    lines = [
        _Line(index, text, score_sentence(text) + (OLD_LINE_BONUS if index < len(old) else 0.0))
        for index, text in enumerate(dict.fromkeys([*old, *new]))
    ]
    return _within_budget(lines, max(1, max_tokens))


def score_sentence(sentence: str) -> float:
    """Return how informative a sentence is: names, numbers, dates, paths, quotes, denials."""
    text = sentence.partition(": ")[2] or sentence
    lower = text.lower()
    if _FILLER.match(lower):
        return -2.0
    words = text.split()
    names = sum(word[:1].isupper() for word in words[1:])
    score = 1.0 * min(names, 3) + 1.5 * any(map(str.isdigit, text))
    score += 1.5 * bool(_PATH.search(text)) + 1.0 * bool(_QUOTE.search(text))
    score += 1.0 * bool(_DENIAL.search(lower)) + 1.0 * bool(_DATE.search(lower))
    score += 1.0 * bool(_DECISION.search(lower)) + 0.5 * (len(words) >= 5)
    score -= 1.0 * (text == "(no text)") + 1.5 * text.rstrip().endswith("?")
    score -= 1.0 * (len(words) < 3 and score <= 0)
    return score - 1.0 * sentence.startswith(("assistant:", "tool:"))


def _message_lines(message: BaseMessage) -> list[str]:
    """Return the sentences of a message, each with its speaker."""
    speaker = message.name or _SPEAKERS.get(message.type, message.type)
    texts = sentences(transcript_of(message))[:MAX_SENTENCES]
    return [f"{speaker}: {_shorten(text)}" for text in texts] or [f"{speaker}: (no text)"]


def _summary_lines(line: str) -> list[str]:
    """Return a line of an earlier summary; a long paragraph is cut into its sentences."""
    line = line.strip()
    return [line] if 0 < len(line) <= MAX_SENTENCE_CHARACTERS else sentences(line)


def _shorten(sentence: str) -> str:
    """Return a sentence of at most `MAX_SENTENCE_CHARACTERS`, its middle left out."""
    if len(sentence) <= MAX_SENTENCE_CHARACTERS:
        return sentence
    half = MAX_SENTENCE_CHARACTERS // 2 - 3
    return f"{sentence[:half].rstrip()} ... {sentence[-half:].lstrip()}"


def _within_budget(lines: Sequence[_Line], tokens: int) -> str:
    """Return the most informative lines that fit, in their order; at least a part of one."""
    fitting: list[_Line] = []
    ranked = sorted(lines, key=lambda line: (-line.score, -line.index))
    for line in ranked:
        size = count_text(line.text) + 1
        if size <= tokens:
            fitting.append(line)
            tokens -= size
    if not fitting and ranked:
        return _cut(ranked[0].text, tokens)
    return "\n".join(line.text for line in sorted(fitting, key=lambda line: line.index))


def _cut(text: str, tokens: int) -> str:
    """Return the front of `text` that takes at most `tokens`; at least one character."""
    while len(text) > 1 and (size := count_text(text)) > tokens:
        text = text[: max(1, min(len(text) - 1, len(text) * tokens // size))]
    return text
