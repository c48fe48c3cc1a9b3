"""Which answers repeat what is forgotten; they go with it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from threadkeep.erase.plan import Said
from threadkeep.erase.search_strings import literals, pieces
from threadkeep.erase.string_matcher import StringMatcher

USER = "user"


async def echoes(
    said: Sequence[Said], going: set[str], texts: Sequence[str], names: Iterable[str] = ()
) -> list[Said]:
    """Return the answers among `said` that repeat `texts`, and not what somebody says who stays.

    `going` are the ids of messages that go anyway. `names` are telling words of the texts.
    """
    return await asyncio.to_thread(_echoes, said, going, texts, list(names))


def _echoes(
    said: Sequence[Said], going: set[str], texts: Sequence[str], names: Sequence[str]
) -> list[Said]:
    stay = [each for each in said if each.id not in going]
    strings = {piece for text in texts for piece in (*pieces(text), *literals(text))}
    matcher = StringMatcher(sorted({*strings, *names}))
    matcher.ignore(
        matcher.search_texts(each.text.encode("utf-8", "replace") for each in stay if _own(each))
    )
    answers = [each for each in stay if not _own(each)]
    if not matcher.search_texts(each.text.encode("utf-8", "replace") for each in answers):
        return []
    return [
        replace(each, why="repeats it")
        for each in answers
        if matcher.search(each.text.encode("utf-8", "replace"))
    ]


def _own(said: Said) -> bool:
    return said.role == USER
