"""References that stand for the data of pictures and files in a checkpoint.

Data is base64, in a data URL or not, or bytes, from `MIN_CHARACTERS` on. All functions are pure.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from langchain_core.messages import BaseMessage, ToolMessage

from threadkeep.base.media import REFERENCE, data_size

MIN_CHARACTERS: Final = 1_024
MIN_REFERENCE: Final = len(REFERENCE) + 66
"""Characters of the shortest reference."""
MESSAGE_FIELDS: Final = ("content", "additional_kwargs", "artifact")
FIELDS_OF_TEXT: Final = frozenset({"content", "text", "signature", "encrypted_content"})
"""Fields whose strings stay where they are: words, and what belongs to the reasoning of a model."""
DATA_URL: Final = ";base64,"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_SCALARS: Final = frozenset({int, float, bool, type(None)})
_PLACE: Final = re.compile(rf"{REFERENCE}(bytes:)?([0-9a-f]{{64}}):\d+")
_RAW: Final = re.compile(rf"{REFERENCE}(?:bytes:)?([0-9a-f]{{64}}):".encode())


@dataclass(frozen=True)
class Reference:
    """What stands for data in a checkpoint."""

    text: str
    digest: str
    data: str
    """The data as base64; empty where only the reference is known."""


def reference_of(value: str | bytes) -> Reference | None:
    """Return the reference of base64 or bytes; None for words and for what is small."""
    if isinstance(value, bytes):
        data = base64.b64encode(value).decode()
        digest = sha256(value).hexdigest()
        return Reference(f"{REFERENCE}bytes:{digest}:{len(value)}", digest, data)
    if match := _PLACE.fullmatch(value):
        return Reference(value, match[2], "")
    if len(value) < MIN_CHARACTERS or not _BASE64.fullmatch(value):
        return None
    digest = sha256(_decoded(value)).hexdigest()
    return Reference(f"{REFERENCE}{digest}:{data_size(value)}", digest, value)


def without_data(value: Any, reference: Callable[[str | bytes], Reference | None]) -> Any:
    """Return a value of a channel with references for its data; itself if it has none."""

    def replace(text: str | bytes) -> str | bytes:
        head, payload = _split(text)
        replacement = reference(payload)
        return head + replacement.text if replacement else text

    return _mapped(value, replace)


def with_data(value: Any, data: Mapping[str, str]) -> Any:
    """Return a value of a channel with its data for references; those without data stay."""

    def replace(text: str | bytes) -> str | bytes:
        head, payload = _split(text)
        match = _PLACE.fullmatch(payload) if isinstance(payload, str) else None
        if match is None or match[2] not in data:
            return text
        content = data[match[2]]
        return base64.b64decode(content) if match[1] else head + content

    return _mapped(value, replace)


def digests_in(value: Any) -> set[str]:
    """Return the digests of the references in a value of a channel."""
    digests: set[str] = set()

    def collect(text: str | bytes) -> str | bytes:
        payload = _split(text)[1]
        if isinstance(payload, str) and (match := _PLACE.fullmatch(payload)):
            digests.add(match[2])
        return text

    _mapped(value, collect)
    return digests


def digests_of(message: BaseMessage) -> list[str]:
    """Return the digests of the data in a message, there or behind a reference."""
    digests: dict[str, None] = {}

    def collect(data: str | bytes) -> None:
        if reference := reference_of(data):
            digests[reference.digest] = None

    without_data(message, collect)
    return list(digests)


def digests_in_bytes(values: Iterable[bytes]) -> set[str]:
    """Return the digests of the references in stored values."""
    return {match.decode() for value in values for match in _RAW.findall(value)}


def _decoded(text: str) -> bytes:
    """Return the bytes of canonical base64, or else the text itself."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        return b"text:" + text.encode()
    is_canonical = base64.b64encode(content).decode() == text
    return content if is_canonical else b"text:" + text.encode()


def _split(text: str | bytes) -> tuple[str, str | bytes]:
    """Return the head of a data URL, empty for other values, and what follows it."""
    if isinstance(text, str) and text.startswith("data:"):
        head, separator, payload = text.partition(DATA_URL)
        if separator:
            return head + separator, payload
    return "", text


def _mapped(value: Any, replace: Callable[[str | bytes], str | bytes]) -> Any:
    """Return a value with its long strings replaced; itself if none was, never changed in place."""
    return _mapped_part(value, replace) if _has_candidates(value) else value


def _has_candidates(value: Any) -> bool:
    """Return whether a value may hold data or references; most values are texts alone."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str | bytes):
            if _is_candidate(item):
                return True
        elif isinstance(item, BaseMessage):
            stack += _parts(item)
        elif isinstance(item, dict):
            for key, inner in item.items():
                if isinstance(inner, str | bytes) and key in FIELDS_OF_TEXT:
                    continue
                if not _is_plain(inner):
                    stack.append(inner)
        elif isinstance(item, list | tuple):
            stack += [inner for inner in item if not _is_plain(inner)]
    return False


def _is_plain(value: Any) -> bool:
    """Return whether a value is a number, a short text or the like: what most values are."""
    type_ = type(value)
    return len(value) < MIN_REFERENCE if type_ is str else type_ in _SCALARS


def _parts(message: BaseMessage) -> list[Any]:
    """Return the fields of a message that may hold data."""
    parts: list[Any] = [] if isinstance(message.content, str) else [message.content]
    if message.additional_kwargs:
        parts.append(message.additional_kwargs)
    if isinstance(message, ToolMessage) and message.artifact is not None:
        parts.append(message.artifact)
    return parts


def _is_candidate(text: str | bytes) -> bool:
    """Return whether a string may be data or a reference; prose has blanks, and data has none."""
    if isinstance(text, bytes):
        return len(text) >= MIN_CHARACTERS
    return (len(text) >= MIN_CHARACTERS and " " not in text[:256]) or REFERENCE in text


def _mapped_part(value: Any, replace: Callable[[str | bytes], str | bytes]) -> Any:
    if isinstance(value, str | bytes):
        return replace(value) if _is_candidate(value) else value
    if isinstance(value, BaseMessage):
        return _mapped_message(value, replace)
    if isinstance(value, dict):
        changed = {
            key: new
            for key, item in value.items()
            if not (isinstance(item, str | bytes) and key in FIELDS_OF_TEXT)
            and (new := _mapped_part(item, replace)) is not item
        }
        return {**value, **changed} if changed else value
    if type(value) in (list, tuple):
        items = [_mapped_part(item, replace) for item in value]
        is_same = all(new is old for new, old in zip(items, value, strict=True))
        return value if is_same else type(value)(items)
    return value


def _mapped_message(
    message: BaseMessage, replace: Callable[[str | bytes], str | bytes]
) -> BaseMessage:
    changed = {
        name: new
        for name in MESSAGE_FIELDS
        if not isinstance(item := getattr(message, name, None), str | None)
        and (new := _mapped_part(item, replace)) is not item
    }
    return message.model_copy(update=changed) if changed else message
