"""Sentences and words of any text, in time linear in its length."""

import re
from typing import Final

_END: Final = re.compile(r"(?<=[.!?…])[\"”’)\]]{0,3}\s+|(?<=[。！？])|\n+")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|No|Mt|approx|[A-Z])\.$"
)
_WORD: Final = re.compile(r"[^\W_]+(?:['’\-.&@:/][^\W_]+)*")
_OPENING = r"(?:(?:so|and|but|ok|okay|well|hey|hi|please|now|um|oh|by the way|also)\b[\s,]*){0,3}"
_DO = (
    r"(?:do|does|did|is|are|was|were|am|has|have|had|can|could|will|would|should|shall)(?:n['’]t)?"
)
_WHO = r"(?:i|you|we|he|she|it|they|my|your|our|his|her|their|the|this|that|these|those|there|any)"
_PERSON = r"(?:i|you|we|he|she|it|they|a|an)"
_ASKING: Final = re.compile(
    rf"{_OPENING}(?:(?:where|when|why|how|who)(?:['’]s|\s{_DO})\b"
    rf"|(?:what|which|whose)(?:['’]s|(?:\s(?!{_PERSON}\b)\w+){{0,2}}?\s{_DO})\b"
    rf"|how (?:many|much|old|long|often|far|big|tall)\b|{_DO}\s{_WHO}\b"
    rf"|(?:tell|remind) me (?!to\b|that\b)\w|do you|any idea\b)",
    re.IGNORECASE,
)
"""How a question begins, also where it ends in a full stop."""
_ASKING_OPEN: Final = re.compile(
    rf"{_OPENING}(?:(?:what|who|whom|whose|where|when|why|which|how)\b(?!\s{_PERSON}\b)"
    r"|(?:do|does|did|is|are|was|were)\s(?!not\b))",
    re.IGNORECASE,
)
"""How a question begins that no mark ends."""


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
    if bare.endswith(("?", "？")) or _ASKING.match(sentence):
        return True
    return not bare.endswith((".", "!", "…")) and bool(_ASKING_OPEN.match(sentence))


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, in order."""
    return [word.lower() for word in _WORD.findall(text)]
