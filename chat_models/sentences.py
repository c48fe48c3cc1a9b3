"""Sentences and words of any text, in time linear in its length."""

import re
from typing import Final

_END: Final = re.compile(r"(?<=[.!?…])[\"”’)\]]{0,3}\s+|(?<=[。！？])|\n+")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|No|Mt|approx|[A-Z])\.$"
)
_WORD: Final = re.compile(r"[^\W_]+(?:['’\-.&@:/][^\W_]+)*")
_ASKING: Final = re.compile(
    r"(?:(?:so|and|but|ok|okay|well|hey|hi|please|now|um|oh)[\s,]+){0,2}"
    r"(?:what|who|whom|whose|where|when|why|which|how|do|does|did|is|are|was|were|am|has|have|had|"
    r"can|could|will|would|should|shall|may|remind me|tell me|do you remember|list|any idea)\b",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, one line each, without the blanks around them."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        part = text[start : end.end()]
        if "\n" not in end[0] and _ABBREVIATION.search(part[-12:].rstrip()):
            continue
        found.append(part)
        start = end.end()
    found.append(text[start:])
    return [line for part in found if (line := " ".join(part.split()))]


def is_question(sentence: str) -> bool:
    """Tell whether `sentence` asks: by its mark, or by how it begins and that no mark ends it."""
    bare = sentence.rstrip('"”’)] ')
    return bare.endswith(("?", "？")) or bool(_ASKING.match(sentence))


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, in order."""
    return [word.lower() for word in _WORD.findall(text)]
