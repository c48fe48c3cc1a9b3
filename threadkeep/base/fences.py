"""What is remembered stays inside its fence and poses as nothing else, whatever it is made of."""

import re
import unicodedata
from functools import lru_cache

NAMES = (
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
"""The fences of ours, and the tags by which a text could pass for another speaker's."""
PUT_INSTEAD = "‹"
# Controls, marks that turn the direction of writing, and letters that nobody sees. Joiners and
# variation selectors stay: emoji and several scripts are written with them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BRACKETS = "<\u02c2\u1438\u2039\u226e\u226a\u227a\u2329\u276c\u276e\u27e8\u29fc\u3008\ufe64\uff1c"
_BRACKET = re.compile(f"[{_BRACKETS}]")
_TAG = re.compile(rf"<(?=[\s/\\<!?]*(?:\||(?:{'|'.join(NAMES)})(?![^\W_])))")
_ALIKE = str.maketrans(
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
    """Return `text` without what cannot be seen; its tags of `NAMES` lose their angle bracket.

    A tag is known in any case, width and spacing, with accents, with letters of other alphabets
    that look alike, and with anything invisible between its letters.
    """
    shown = _HIDDEN.sub("", text)
    if not _BRACKET.search(shown):
        return shown
    plain, places = _skeleton(shown)
    cut = {places[found.start()] for found in _TAG.finditer(plain)}
    if not cut:
        return shown
    return "".join(PUT_INSTEAD if at in cut else each for at, each in enumerate(shown))


@lru_cache(maxsize=4_096)
def one_line(text: str) -> str:
    """Return `text` unfenced and on one line, whatever breaks its lines."""
    return " ".join(escape_tags(" ".join(text.split())).split())


def _skeleton(text: str) -> tuple[str, list[int]]:
    """Return what a reader may take `text` for, and where in it each character comes from."""
    made: list[str] = []
    places: list[int] = []
    for at, each in enumerate(text):
        for part in unicodedata.normalize("NFKD", each).casefold().translate(_ALIKE):
            if part.isspace() or unicodedata.category(part)[0] not in "MC":
                made.append(part)
                places.append(at)
    return "".join(made), places
