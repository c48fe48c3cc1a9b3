"""Read what a question asks for."""

import re
from dataclasses import dataclass
from typing import Final

from threadkeep.extract.sentences import words
from threadkeep.models.offline_words import GENERIC, content_stems, stem

FIRST_PERSON: Final = frozenset(("i", "i'm", "i've", "i’m", "i’ve", "my", "me", "we", "our", "i'd"))
_KIND: Final = re.compile(r"\b(?:what|which)\s+([^\W\d_]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A question as stems, with what they are about."""

    text: str
    stems: tuple[str, ...]
    about_user: bool
    generic: bool
    """Whether all of its stems are generic: "where do I live?"."""
    kind: str = ""
    """The stem of "colour" in "what colour is my car?"."""


def read_question(text: str) -> Question:
    """Return the question in `text`."""
    text = text.replace("for a living", "for work")
    stems = tuple(dict.fromkeys(content_stems(text)))
    all_words = set(words(text))
    if not stems and "from" in all_words:
        stems = ("from",)
    match = _KIND.search(text)
    kind = stem(match[1]) if match and len(stems) > 1 else ""
    generic = all(word in GENERIC or word in (kind, "from") for word in stems)
    return Question(text, stems, bool(FIRST_PERSON & all_words), generic, kind)
