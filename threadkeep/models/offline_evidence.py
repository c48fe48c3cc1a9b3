"""Read the prompt of the offline model as evidence: sentences with speaker, day and thread."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.memory_block import is_memory_block, parse_memories
from threadkeep.extract.sentences import is_question, sentences

MAX_EVIDENCE: Final = 4_000
SUMMARY: Final = re.compile(r"^\s*<summary>\n[^\n]*\n(.*?)\n?</summary>\s*$", re.DOTALL)
OWN_REPLIES: Final = (
    "Noted: ",
    "I have kept that.",
    "I don't know that.",
    "No language model is configured",
    "You said ",
    "You just said: ",
    "What I know: ",
    "The summary of this thread says: ",
)
"""The starts of the offline model's own replies, which are no evidence."""
_PRONOUN: Final = re.compile(r"(?:he|she|it|they|his|her|their|its)\b", re.IGNORECASE)
_SPEAKER_LINE: Final = re.compile(r"^([^\n:]{1,40}): (.+)$")


@dataclass(frozen=True)
class Evidence:
    """One sentence of the prompt; with the sentence before it if it begins with a pronoun."""

    text: str
    speaker: str
    """`user`, `assistant`, a name, or "" for known facts."""
    position: int = 0
    """Greater is newer."""
    day: str = ""
    thread: str = ""
    origin: str = "thread"
    """`newest`, `thread`, `memory`, `known`, `summary` or `system`."""


def newest_question(messages: Sequence[BaseMessage]) -> int | None:
    """Return the index of the newest message that a person wrote, or None."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].type == "human" and not _is_block(text_of(messages[index])):
            return index
    return None


def text_of(message: BaseMessage) -> str:
    """Return the text of a message, whatever blocks it has."""
    return str(message.text)


def evidence_of(messages: Sequence[BaseMessage], newest: int) -> list[Evidence]:
    """Return the sentences of the prompt, oldest first; `newest` is the index of the question."""
    memories: list[Evidence] = []
    thread: list[Evidence] = []
    for message in [*messages[:newest], *messages[newest + 1 :]]:
        text = text_of(message)
        if is_memory_block(text):
            memories += _memories(text)
        elif summary := SUMMARY.match(text):
            thread = [*_summary(summary[1]), *thread]
        else:
            origin = "system" if message.type == "system" else "thread"
            thread += _statements(text, _speaker(message), origin=origin)
    question = messages[newest]
    thread += _statements(text_of(question), _speaker(question), origin="newest")
    memories.sort(key=lambda evidence: evidence.day)
    all_evidence = (memories + thread)[-MAX_EVIDENCE:]
    return [replace(evidence, position=index) for index, evidence in enumerate(all_evidence)]


def _is_block(text: str) -> bool:
    return is_memory_block(text) or bool(SUMMARY.match(text))


def _speaker(message: BaseMessage) -> str:
    return message.name or {"human": "user", "ai": "assistant"}.get(message.type, message.type)


def _memories(block: str) -> Iterator[Evidence]:
    for item in parse_memories(block):
        if item["kind"] != "message":
            yield Evidence(item["text"], "", origin="known")
        else:
            yield from _statements(
                item["text"],
                item["speaker"],
                day=item["time"],
                thread=item["thread"],
                origin="memory",
            )


def _summary(text: str) -> Iterator[Evidence]:
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        statement = line.removeprefix("- ")
        match = _SPEAKER_LINE.match(statement)
        speaker, statement = match.groups() if match else ("", statement)
        yield from _statements(statement, speaker, origin="summary")


def _statements(
    text: str, speaker: str, *, day: str = "", thread: str = "", origin: str
) -> Iterator[Evidence]:
    """Yield the statements of a message, without questions and the offline model's own replies."""
    if speaker == "assistant" and text.startswith(OWN_REPLIES):
        return
    previous = ""
    for sentence in sentences(text):
        if is_question(sentence):
            previous = ""
            continue
        needs_previous = previous and _PRONOUN.match(sentence)
        statement = f"{previous} {sentence}" if needs_previous else sentence
        yield Evidence(statement, speaker, day=day, thread=thread, origin=origin)
        previous = sentence
