"""Checkpoints at rest: the states after finished turns are compressed where a database does not."""

import zlib
from typing import Final

MSGPACK: Final = "msgpack"
COMPRESSED: Final = "msgpack+zlib"
"""The type of a value that is MessagePack, compressed by zlib."""
_LEVEL: Final = 1
_MAX_BYTES: Final = 1 << 30


def compressed(value: bytes) -> bytes:
    """Return a value of the type `MSGPACK` as one of the type `COMPRESSED`."""
    return zlib.compress(value, _LEVEL)


def decompressed(value: bytes) -> bytes:
    """Return a value of the type `COMPRESSED` as one of the type `MSGPACK`.

    Raises:
        ValueError: the value is damaged.
    """
    try:
        return zlib.decompressobj().decompress(value, _MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"a compressed value cannot be read: {error}") from error
