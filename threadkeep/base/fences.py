"""Keep recalled text inside its fence: it cannot close the fence or imitate another speaker."""

import re
import unicodedata
from functools import lru_cache

TAG_NAMES = (
    "memories",
    "pinned",
    "summary",
    "summary_so_far",
    "new_messages",
    "message",
    "system",
    "developer",
    "assistant",
    "user",
    "tool",
    "instructions",
)
"""Names of our fences, and of tags that models take for a speaker."""
REPLACEMENT = "‹"
# Control characters, direction marks and invisible characters. Joiners and variation selectors
# stay: emoji and several scripts need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BRACKETS = "<\u02c2\u1438\u2039\u226e\u226a\u227a\u2329\u276c\u276e\u27e8\u29fc\u3008\ufe64\uff1c"
_BRACKET = re.compile(f"[{_BRACKETS}]")
# A bracket at the end of a text could make a tag of the text that follows.
_TAG = re.compile(rf"<(?=[\s/\\<!?]*(?:\||(?:{'|'.join(TAG_NAMES)})(?![^\W_])|$))")
_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys(_BRACKETS, "<"),
        **dict(zip("аеіјморступгѕԁυιορτνκμ", "aeijmopctynrsduiortvkm", strict=True)),
        "\u2044": "/",
        "\u2215": "/",
        "\u29f8": "/",
        "\u01c0": "|",
        "\u2223": "|",
    }
)


def escape_tags(text: str) -> str:
    """Remove invisible characters, and replace the angle bracket of tags in `TAG_NAMES`.

    A tag is recognised in any case, width and spacing, with accents, with lookalike letters of
    other alphabets, and with invisible characters between its letters.
    """
    visible = _HIDDEN.sub("", text)
    if not _BRACKET.search(visible):
        return visible
    skeleton, indexes = _skeleton(visible)
    brackets = {indexes[match.start()] for match in _TAG.finditer(skeleton)}
    if not brackets:
        return visible
    characters = enumerate(visible)
    return "".join(REPLACEMENT if index in brackets else char for index, char in characters)


@lru_cache(maxsize=4_096)
def one_line(text: str) -> str:
    """Return `text` with tags escaped, on one line; any kind of line break becomes a space."""
    return " ".join(escape_tags(" ".join(text.split())).split())


def _skeleton(text: str) -> tuple[str, list[int]]:
    """Return `text` in plain lower-case letters, and the index in `text` of each of them."""
    letters: list[str] = []
    indexes: list[int] = []
    for index, char in enumerate(text):
        for letter in unicodedata.normalize("NFKD", char).casefold().translate(_LOOKALIKES):
            if letter.isspace() or unicodedata.category(letter)[0] not in "MC":
                letters.append(letter)
                indexes.append(index)
    return "".join(letters), indexes
