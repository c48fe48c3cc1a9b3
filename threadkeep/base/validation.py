"""The door: what comes from outside is cleaned, bounded or refused here."""

import unicodedata

from threadkeep.base.errors import BadInput, TooLarge

MAX_MESSAGE_BYTES = 32_000
MAX_ID_CHARACTERS = 128


def sanitise_text(text: str) -> str:
    """Return `text` without what stores refuse: lone surrogates become U+FFFD, NUL goes."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "")


def validate_message(text: str) -> str:
    """Return the cleaned text of a message from a user.

    Raises:
        BadInput: it is empty.
        TooLarge: it is over `MAX_MESSAGE_BYTES` of UTF-8.
    """
    cleaned = sanitise_text(text)
    if not cleaned.strip():
        raise BadInput("The message is empty; write at least one word.")
    size = len(cleaned.encode())
    if size > MAX_MESSAGE_BYTES:
        raise TooLarge(
            f"The message has {size:,} bytes; the limit is {MAX_MESSAGE_BYTES:,}. "
            "Send it in parts, or import it as a file."
        )
    return cleaned


def validate_id(value: object, what: str) -> str:
    """Return a user id or thread name, normalised to NFC.

    One rule for all: text of 1 to 128 printable characters without spaces at its ends.
    Everything else that people put in names (slashes, dots, colons, any script) is allowed,
    since ids are only ever hashed, never parts of paths or queries.

    Raises:
        BadInput: the rule is broken.
    """
    rule = f"use 1 to {MAX_ID_CHARACTERS} printable characters, no space at either end."
    if not isinstance(value, str):
        raise BadInput(f"The {what} {value!r:.60} is not text; {rule}")
    normal = unicodedata.normalize("NFC", value)
    good = normal.isprintable() and normal.strip() == normal
    if not good or not 1 <= len(normal) <= MAX_ID_CHARACTERS:
        shown = repr(value[:40]) + (f"... ({len(value):,} characters)" if len(value) > 40 else "")
        raise BadInput(f"The {what} {shown} is not allowed; {rule}")
    return normal
