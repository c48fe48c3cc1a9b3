"""What the offline model was shown, sentence by sentence, with who said it and when."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.memory_block import is_memory_block, parse_memories
from threadkeep.extract.sentences import is_question, sentences

MOST: Final = 4_000
SUMMARY: Final = re.compile(r"^\s*<summary>\n[^\n]*\n(.*?)\n?</summary>\s*$", re.DOTALL)
OWN: Final = (
    "Noted: ",
    "I have kept that.",
    "I don't know that.",
    "No language model is configured",
    "You said ",
    "You just said: ",
    "What I know: ",
    "The summary of this thread says: ",
)
"""How the offline model's own replies begin; they are never evidence."""
_PRONOUN: Final = re.compile(r"(?:he|she|it|they|his|her|their|its)\b", re.IGNORECASE)
_SPOKEN: Final = re.compile(r"^([^\n:]{1,40}): (.+)$")


@dataclass(frozen=True)
class Evidence:
    """One sentence that was shown; with the one before it where it begins with a pronoun."""

    text: str
    speaker: str
    """`user`, `assistant`, a name, or "" for what is known without a speaker."""
    place: int
    """Greater is newer, as far as the order of what is shown tells."""
    day: str = ""
    thread: str = ""
    origin: str = "thread"
    """`thread`, `memory`, `known`, `summary` or `system`."""


def newest_question(messages: Sequence[BaseMessage]) -> int | None:
    """Return the place of the newest message that the person wrote, or None."""
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].type == "human" and not _shown_by_us(text_of(messages[place])):
            return place
    return None


def text_of(message: BaseMessage) -> str:
    """Return the words of a message, whatever its blocks are."""
    return str(message.text)


def evidence_of(messages: Sequence[BaseMessage], newest: int) -> list[Evidence]:
    """Return everything that was shown beside the newest message, oldest first."""
    found: list[Evidence] = []
    memories: list[Evidence] = []
    for message in [*messages[:newest], *messages[newest + 1 :]]:
        text = text_of(message)
        if is_memory_block(text):
            memories += _remembered(text)
        elif summary := SUMMARY.match(text):
            found = [*_summarised(summary[1]), *found]
        else:
            found += _said(text, _speaker(message), "", "", _origin(message))
    newest_message = messages[newest]
    found += _said(text_of(newest_message), _speaker(newest_message), "", "", "newest")
    memories.sort(key=lambda each: each.day)
    every = (memories + found)[-MOST:]
    return [Evidence(e.text, e.speaker, n, e.day, e.thread, e.origin) for n, e in enumerate(every)]


def _shown_by_us(text: str) -> bool:
    return is_memory_block(text) or bool(SUMMARY.match(text))


def _speaker(message: BaseMessage) -> str:
    return message.name or {"human": "user", "ai": "assistant"}.get(message.type, message.type)


def _origin(message: BaseMessage) -> str:
    return "system" if message.type == "system" else "thread"


def _remembered(block: str) -> Iterator[Evidence]:
    for memory in parse_memories(block):
        if memory["kind"] != "message":
            yield Evidence(memory["text"], "", 0, "", "", "known")
        else:
            yield from _said(
                memory["text"], memory["speaker"], memory["time"], memory["thread"], "memory"
            )


def _summarised(text: str) -> Iterator[Evidence]:
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        line = line.removeprefix("- ")
        if spoken := _SPOKEN.match(line):
            yield from _said(spoken[2], spoken[1], "", "", "summary")
        else:
            yield from _said(line, "", "", "", "summary")


def _said(text: str, speaker: str, day: str, thread: str, origin: str) -> Iterator[Evidence]:
    """Yield the statements of a message; questions and our own replies tell nothing."""
    if speaker == "assistant" and text.startswith(OWN):
        return
    before = ""
    for sentence in sentences(text):
        if not is_question(sentence):
            whole = f"{before} {sentence}" if before and _PRONOUN.match(sentence) else sentence
            yield Evidence(whole, speaker, 0, day, thread, origin)
            before = sentence
        else:
            before = ""
