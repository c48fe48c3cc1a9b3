"""Words in place of pictures and files, for models that accept text alone."""

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AnyMessage

from threadkeep.base.media import media_of

_CONCERNS_MEDIA = re.compile(
    r"image|picture|audio|video|vision|multi-?modal|\bmedia\b|\bfiles?\b|mmproj|"
    r"content.{0,60}(?:string|text)",
    re.IGNORECASE | re.DOTALL,
)
_IS_UNSUPPORTED = re.compile(
    r"not support|n't support|found that support|unknown variant|mmproj|"
    r"not a (?:vision|multi)|must be a string|valid string|text.only|only.text",
    re.IGNORECASE,
)


def concerns_media(refusal: str) -> bool:
    """Return whether a provider's refusal may concern pictures or files."""
    return bool(_CONCERNS_MEDIA.search(refusal))


def is_unsupported(refusal: str) -> bool:
    """Return whether a refusal says that the model never accepts them, not just this one."""
    return bool(_IS_UNSUPPORTED.search(refusal))


def without_media(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Return the messages with a label for each picture, recording and file."""
    return [_without_media(message) for message in messages]


def _without_media(message: AnyMessage) -> AnyMessage:
    if isinstance(message.content, str) or not any(map(media_of, message.content)):
        return message
    texts = [_text(block) for block in message.content]
    return message.model_copy(update={"content": "\n".join(filter(None, texts))})


def _text(block: Any) -> str:
    if media := media_of(block):
        return media.label
    return block if isinstance(block, str) else str(block.get("text") or "")
