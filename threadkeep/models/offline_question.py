"""What a question asks for."""

import re
from dataclasses import dataclass
from typing import Final

from threadkeep.extract.sentences import words
from threadkeep.models.offline_words import GENERIC, content, stem

FIRST: Final = frozenset(("i", "i'm", "i've", "i’m", "i’ve", "my", "me", "we", "our", "i'd"))
_ASKED_KIND: Final = re.compile(r"\b(?:what|which)\s+([^\W\d_]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """What is asked: the stems that carry it, and whether it is about the asker."""

    text: str
    stems: tuple[str, ...]
    own: bool
    generic: bool
    """Whether nothing but generic words carries it: "where do I live?"."""
    kind: str = ""
    """The stem of "colour" in "what colour is my car?"."""


def read_question(text: str) -> Question:
    """Return what `text` asks for."""
    text = text.replace("for a living", "for work")
    stems = tuple(dict.fromkeys(content(text)))
    told = set(words(text))
    if not stems and "from" in told:
        stems = ("from",)
    asked = _ASKED_KIND.search(text)
    kind = stem(asked[1]) if asked and len(stems) > 1 else ""
    generic = all(each in GENERIC or each in (kind, "from") for each in stems)
    return Question(text, stems, bool(FIRST & told), generic, kind)
