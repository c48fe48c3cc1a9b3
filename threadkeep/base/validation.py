"""Validate input at the boundary: sanitise it, or refuse it."""

import unicodedata
from typing import Any

from threadkeep.base.errors import BadInput, TooLarge

MAX_MESSAGE_BYTES = 32_000
MAX_ID_CHARACTERS = 128


def sanitise_text(text: str) -> str:
    """Return `text` as every store accepts it: lone surrogates become U+FFFD, NUL is removed."""
    return join_surrogates(text).replace("\0", "")


def join_surrogates(text: str) -> str:
    """Return the text with surrogate pairs joined and lone surrogates as U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def sanitise_value(value: Any) -> Any:
    """Return a JSON value with all its strings sanitised."""
    if isinstance(value, str):
        return sanitise_text(value)
    if isinstance(value, list):
        return [sanitise_value(item) for item in value]
    if isinstance(value, dict):
        return {
            sanitise_text(name) if isinstance(name, str) else name: sanitise_value(item)
            for name, item in value.items()
        }
    return value


def validate_message(text: str) -> str:
    """Return the sanitised text of a user's message.

    Raises:
        BadInput: the message is empty.
        TooLarge: it exceeds `MAX_MESSAGE_BYTES` in UTF-8.
    """
    sanitised = sanitise_text(text)
    if not sanitised.strip():
        raise BadInput("The message is empty; write at least one word.")
    size = len(sanitised.encode())
    if size > MAX_MESSAGE_BYTES:
        raise TooLarge(
            f"The message has {size:,} bytes; the limit is {MAX_MESSAGE_BYTES:,}. "
            "Send it in parts, or import it as a file."
        )
    return sanitised


def validate_id(value: object, kind: str) -> str:
    """Return a user id or thread name, normalised to NFC; `kind` names it in errors.

    An id is a string of 1 to 128 printable characters without spaces at its ends. Slashes, dots,
    colons and any script are allowed: ids are hashed, and never become parts of paths or queries.

    Raises:
        BadInput: the id is invalid.
    """
    rule = f"use 1 to {MAX_ID_CHARACTERS} printable characters, no space at either end."
    if not isinstance(value, str):
        raise BadInput(f"The {kind} {value!r:.60} is not text; {rule}")
    normal = unicodedata.normalize("NFC", value)
    printable = normal.isprintable() and normal.strip() == normal
    if not printable or not 1 <= len(normal) <= MAX_ID_CHARACTERS:
        excerpt = repr(value[:40]) + (f"... ({len(value):,} characters)" if len(value) > 40 else "")
        raise BadInput(f"The {kind} {excerpt} is not allowed; {rule}")
    return normal
