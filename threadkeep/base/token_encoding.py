"""The o200k_base encoding, built from the ranks in this package; nothing is ever downloaded."""

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
# How text is split before merging, as published with the ranks.
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
# tiktoken panics on very long runs of blanks; longer texts are encoded piece by piece.
PIECE = 50_000

_lock = threading.Lock()


def encode(text: str) -> list[int]:
    """Return the tokens of `text`; what looks like a special token is ordinary text.

    Texts over `PIECE` characters are cut at spaces, so that their tokens stay what they were
    wherever there is a space after a word.
    """
    encoding = _encoding()
    if len(text) <= PIECE:
        return encoding.encode_ordinary(text)
    return [token for piece in _pieces(text) for token in encoding.encode_ordinary(piece)]


def decode(tokens: list[int]) -> str:
    """Return the text of `tokens`, without characters of which only some bytes are there."""
    return _encoding().decode(tokens, errors="ignore")


def warm() -> None:
    """Load the ranks now; meant for a background thread, so that no turn waits for them."""
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
    """Return token -> rank of a .tiktoken file: lines of base64, a space, the rank.

    Raises:
        RuntimeError: these are not the published ranks.
    """
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise RuntimeError(f"{RANKS} is damaged; install threadkeep again.")
    # The checked file counts from 0 without a gap, so that the numbers need no parsing.
    words = raw.split()[::2]
    return dict(zip(map(a2b_base64, words), range(len(words)), strict=True))


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start + 1, start + PIECE)
        end = end if end > start else start + PIECE
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
