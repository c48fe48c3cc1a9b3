"""Find the answers that repeat erased texts; they are erased too."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from threadkeep.erase.evidence import literals, pieces
from threadkeep.erase.plan import PlannedMessage
from threadkeep.erase.string_matcher import StringMatcher

USER = "user"


async def repeating_answers(
    messages: Sequence[PlannedMessage],
    erased_ids: set[str],
    texts: Sequence[str],
    names: Iterable[str] = (),
) -> list[PlannedMessage]:
    """Return the answers among `messages` that repeat `texts` or the names in them.

    What a remaining message of the user says too is no repetition. `erased_ids` are the messages
    that are erased anyway.
    """
    return await asyncio.to_thread(_search, messages, erased_ids, texts, list(names))


def _search(
    messages: Sequence[PlannedMessage],
    erased_ids: set[str],
    texts: Sequence[str],
    names: Sequence[str],
) -> list[PlannedMessage]:
    remaining = [message for message in messages if message.id not in erased_ids]
    strings = {string for text in texts for string in (*pieces(text), *literals(text))}
    matcher = StringMatcher(sorted({*strings, *names}))
    user_texts = (_encode(message) for message in remaining if message.role == USER)
    matcher.ignore(matcher.search_texts(user_texts))
    answers = [message for message in remaining if message.role != USER]
    if not matcher.search_texts(map(_encode, answers)):
        return []
    return [
        replace(answer, reason="repeats it")
        for answer in answers
        if matcher.search(_encode(answer))
    ]


def _encode(message: PlannedMessage) -> bytes:
    return message.text.encode("utf-8", "replace")
