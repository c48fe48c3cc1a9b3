"""Pictures, sound, video and files in content blocks of any provider: what they are, in words."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

REFERENCE: Final = "threadkeep-blob:"
"""A string that stands for data kept as a blob: this prefix, SHA-256 digest, ":", bytes."""
MAX_NAME_CHARACTERS: Final = 120
_KINDS: Final = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "media": "file",
}
_MAGIC: Final = {
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi": "application/pdf",
}
_DEFAULT_TYPES: Final = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}
# Published rules, roughly: 85 tokens for an image and 170 for each tile of 512 x 512 (1024 x 1024
# has four); ten for a second of sound, some 300 for one of video, 1,500 for a page.
IMAGE_TOKENS_LOW: Final = 85
IMAGE_TOKENS: Final = 85 + 4 * 170
_BYTES_PER_TOKEN: Final = {"audio": 800, "audio/wav": 3_200, "video": 800, "file": 200}
_MIN_TOKENS: Final = 50


@dataclass(frozen=True, kw_only=True)
class Media:
    """One picture, recording or file of a message."""

    kind: str
    """`image`, `audio`, `video` or `file`."""
    mime_type: str
    data: str = ""
    """Base64, or a reference to it; empty where only `url` or `file_id` is known."""
    url: str = ""
    file_id: str = ""
    name: str = ""
    detail: str = ""
    """`low` for an image that the model is to see in low resolution."""

    @property
    def size(self) -> int:
        """Bytes; 0 where they are not known."""
        return data_size(self.data)

    @property
    def label(self) -> str:
        """The words that stand for it, such as `[image image/png, 0.4 MB]`."""
        source = self.url[:MAX_NAME_CHARACTERS] or self.file_id[:MAX_NAME_CHARACTERS]
        details = [self.mime_type if self.data or not source else source]
        details += [_readable(self.size)] if self.data else []
        name = f" {self.name[:MAX_NAME_CHARACTERS]}" if self.name else ""
        return f"[{self.kind}{name} {', '.join(filter(None, details))}]".replace(" ]", "]")

    @property
    def tokens(self) -> int:
        """About what it takes of a prompt, in tokens; never the length of its base64."""
        if self.kind == "image":
            return IMAGE_TOKENS_LOW if self.detail == "low" else IMAGE_TOKENS
        per_token = _BYTES_PER_TOKEN.get(self.mime_type) or _BYTES_PER_TOKEN[self.kind]
        return max(_MIN_TOKENS, self.size // per_token)

    @property
    def is_available(self) -> bool:
        """Whether it can be shown: its data is here, or the provider knows where it is."""
        return bool(self.data or self.url or self.file_id) and not self.data.startswith(REFERENCE)

    @property
    def block(self) -> dict[str, Any]:
        """LangChain's standard block, which every chat model translates."""
        standard: dict[str, Any] = {"type": self.kind}
        if self.data:
            standard |= {"base64": self.data, "mime_type": self.mime_type}
        elif self.url:
            standard |= {"url": self.url}
        else:
            standard |= {"file_id": self.file_id}
        # OpenAI refuses a file without a name.
        name = self.name or f"file.{self.mime_type.rpartition('/')[2]}"
        return standard | ({"filename": name} if self.name or self.kind == "file" else {})


def media_of(block: object) -> Media | None:
    """Return what a content block shows or plays; None for text and unknown blocks."""
    if not isinstance(block, Mapping):
        return None
    kind = _KINDS.get(str(block.get("type")))
    if kind is None:
        return None
    fields = _fields(block)
    source = _text(fields, "base64", "data", "file_data")
    url = _text(fields, "url", "image_url", "file_url", "file_uri", "uri")
    given_type = _text(fields, "mime_type", "media_type")
    if url.startswith("data:"):
        source, url = url, ""
    if source.startswith("data:"):
        head, _, source = source.partition(",")
        given_type = head[len("data:") :].partition(";")[0] or given_type
    if not given_type and (sound := _text(fields, "format")):
        given_type = f"audio/{sound}"
    mime_type = given_type or _sniff(source) or _DEFAULT_TYPES.get(kind, "")
    if block.get("type") == "media" and mime_type.partition("/")[0] in _DEFAULT_TYPES:
        kind = mime_type.partition("/")[0]
    if not (source or url or _text(fields, "file_id", "id")):
        return None
    return Media(
        kind=kind,
        mime_type=mime_type or "application/octet-stream",
        data=source,
        url=url,
        file_id="" if source or url else _text(fields, "file_id", "id"),
        name=_text(fields, "filename", "name", "title"),
        detail=_text(fields, "detail"),
    )


def data_size(data: str) -> int:
    """Return how many bytes base64, or a reference to it, stands for."""
    if data.startswith(REFERENCE):
        size = data.rpartition(":")[2]
        return int(size) if size.isdecimal() else 0
    return len(data) * 3 // 4 - data[-2:].count("=")


def _fields(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block's fields, those of the objects in it (`source`, `file`, ...) among them."""
    fields = dict(block)
    for name in ("extras", "metadata", "source", "image_url", "input_audio", "file"):
        if isinstance(inner := block.get(name), Mapping):
            fields.update(inner)
    if block.get("source_type") != "id" and "file_id" not in fields:
        fields.pop("id", None)  # The id of the block itself.
    return fields


def _text(fields: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, str) and value:
            return value
    return ""


def _sniff(data: str) -> str:
    return next((kind for start, kind in _MAGIC.items() if data.startswith(start)), "")


def _readable(size: int) -> str:
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1e3:.0f} kB" if size < 100_000 else f"{size / 1e6:.1f} MB"
