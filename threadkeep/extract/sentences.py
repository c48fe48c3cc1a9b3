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
_SUBJECT = (
    r"(?:i|you|we|he|she|it|they|my|your|our|his|her|their|the|this|that|these|those|there|any)"
)
_PERSON = r"(?:i|you|we|he|she|it|they|a|an)"
_QUESTION: Final = re.compile(
    rf"{_OPENING}(?:(?:where|when|why|how|who)(?:['’]s|\s{_DO})\b"
    rf"|(?:what|which|whose)(?:['’]s|(?:\s(?!{_PERSON}\b)\w+){{0,2}}?\s{_DO})\b"
    rf"|how (?:many|much|old|long|often|far|big|tall)\b|{_DO}\s{_SUBJECT}\b"
    rf"|(?:tell|remind) me (?!to\b|that\b)\w|do you|any idea\b)",
    re.IGNORECASE,
)
"""The start of a question, even if it ends in a full stop."""
_UNMARKED_QUESTION: Final = re.compile(
    rf"{_OPENING}(?:(?:what|who|whom|whose|where|when|why|which|how)\b(?!\s{_PERSON}\b)"
    r"|(?:do|does|did|is|are|was|were)\s(?!not\b))",
    re.IGNORECASE,
)
"""The start of a question that has no mark at its end."""


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`, each on one line and stripped."""
    parts: list[str] = []
    start = 0
    for end in _END.finditer(text):
        part = text[start : end.end()]
        if "\n" not in end[0] and _ABBREVIATION.search(part[-12:].rstrip()):
            continue
        parts.append(part)
        start = end.end()
    parts.append(text[start:])
    return [line for part in parts if (line := " ".join(part.split()))]


def is_question(sentence: str) -> bool:
    """Return whether `sentence` is a question, by its mark or by its first words."""
    bare = sentence.rstrip('"”’)] ')
    if bare.endswith(("?", "？")) or _QUESTION.match(sentence):
        return True
    return not bare.endswith((".", "!", "…")) and bool(_UNMARKED_QUESTION.match(sentence))


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, in order."""
    return [word.lower() for word in _WORD.findall(text)]
