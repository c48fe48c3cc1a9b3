"""The o200k_base encoding, built from the ranks in this package, without any download."""

import gzip
import hashlib
import threading
from binascii import a2b_base64
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

RANKS = "o200k_base.tiktoken.gz"
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
SPECIAL = {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}
# Pattern that splits text before merging, as published with the ranks.
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
PATTERN = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_SUFFIX}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_SUFFIX}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
# tiktoken panics on very long runs of blanks: encode longer texts in pieces.
PIECE = 50_000

_lock = threading.Lock()


def encode(text: str) -> list[int]:
    """Return the tokens of `text`; special tokens are encoded as ordinary text.

    Texts over `PIECE` characters are split at spaces, which does not change their tokens.
    """
    encoding = _encoding()
    if len(text) <= PIECE:
        return encoding.encode_ordinary(text)
    return [token for piece in _pieces(text) for token in encoding.encode_ordinary(piece)]


def decode(tokens: list[int]) -> str:
    """Return the text of `tokens`; incomplete characters are dropped."""
    return _encoding().decode(tokens, errors="ignore")


def warm() -> None:
    """Load the ranks; call it in a background thread, so that no turn waits for them."""
    _encoding()


def _encoding() -> "Encoding":
    with _lock:
        return _load()


@cache
def _load() -> "Encoding":
    from tiktoken import Encoding

    packed = files("threadkeep.base").joinpath(RANKS).read_bytes()
    return Encoding(
        "o200k_base",
        pat_str=PATTERN,
        mergeable_ranks=read_ranks(gzip.decompress(packed)),
        special_tokens=SPECIAL,
    )


def read_ranks(raw: bytes) -> dict[bytes, int]:
    """Parse a .tiktoken file (lines of base64 token, space, rank) into token -> rank.

    Raises:
        RuntimeError: the checksum differs from that of the published ranks.
    """
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise RuntimeError(f"{RANKS} is damaged; install threadkeep again.")
    # Ranks in the verified file count from 0 without a gap: no need to parse the numbers.
    tokens = raw.split()[::2]
    return dict(zip(map(a2b_base64, tokens), range(len(tokens)), strict=True))


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start + 1, start + PIECE)
        end = end if end > start else start + PIECE
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
