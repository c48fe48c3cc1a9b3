"""What the offline model quotes where it has nothing but its prompt: the nearest message."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from langchain_core.messages import BaseMessage

from threadkeep.base.memory_block import is_memory_block, parse_memories
from threadkeep.extract.sentences import is_question, sentences
from threadkeep.models.quote import Quote
from threadkeep.search.words import content_stems, stem, words_of

MAX_MESSAGES: Final = 400
"""The newest; a prompt may be long."""
MIN_SHARE: Final = 0.5
"""Of the words that a question is about, for a message to be near."""
_SUMMARY: Final = re.compile(r"^\s*<summary>\n[^\n]*\n(.*?)\n?</summary>\s*$", re.DOTALL)


def newest_question(messages: Sequence[BaseMessage]) -> int | None:
    """Return the index of the newest message that a person wrote, or None."""
    for index in range(len(messages) - 1, -1, -1):
        text = text_of(messages[index])
        is_block = is_memory_block(text) or _SUMMARY.match(text)
        if messages[index].type == "human" and not is_block:
            return index
    return None


def text_of(message: BaseMessage) -> str:
    """Return the text of a message, whatever blocks it has."""
    return str(message.text)


def quote_in_prompt(messages: Sequence[BaseMessage], newest: int) -> list[Quote]:
    """Return what shares the most words with the question, the newest of equals; [] for none."""
    topic = content_stems(text_of(messages[newest]))
    others = [message for index, message in enumerate(messages) if index != newest]
    best: tuple[float, Quote] | None = None
    for quote in _quotes(others[-MAX_MESSAGES:]):
        share = len(topic & {stem(word) for word in words_of(quote.text)}) / max(1, len(topic))
        if share >= (best[0] if best else MIN_SHARE):
            best = share, quote
    if best is None:
        return []
    share, quote = best
    return [Quote(**{**quote.__dict__, "is_sure": share == 1.0})]


def _quotes(messages: Sequence[BaseMessage]) -> Iterator[Quote]:
    """Yield what people said in the prompt: memories first, then the summary and the messages."""
    ordered = sorted(messages, key=lambda message: not is_memory_block(text_of(message)))
    for message in ordered:
        text = text_of(message)
        if is_memory_block(text):
            for item in parse_memories(text):
                if item["kind"] == "message":
                    yield from _statements(
                        item["text"], item["speaker"], item["time"], item["thread"]
                    )
        elif summary := _SUMMARY.match(text):
            yield from (Quote(text=line, speaker="") for line in summary[1].splitlines())
        elif message.type == "human":
            yield from _statements(text, message.name or "user")


def _statements(text: str, speaker: str, time: str = "", thread: str = "") -> Iterator[Quote]:
    if speaker != "assistant" and not all(map(is_question, sentences(text))):
        yield Quote(text=text, speaker=speaker, time=time, thread=thread)
