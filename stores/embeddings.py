"""What turns text into vectors: static word vectors by default, offline and fast."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from graph.errors import BadInput
from graph.settings import Settings

if TYPE_CHECKING:
    import numpy as np

DIMENSIONS = 256
_lock = Lock()
TOKENS = 512
"""Longer texts are cut: the mean of more words says less."""


def open_embeddings(settings: Settings) -> Embeddings:
    """Return the embeddings of that name; nothing is loaded before they are used.

    Raises:
        BadInput: there are none of that name.
    """
    name = settings.embeddings
    if name != "static":
        raise BadInput(f"Embeddings {name!r:.60} are not known; use static.")
    return StaticEmbeddings()


class StaticEmbeddings(Embeddings):
    """The mean of wordllama's 256-d static token vectors: the more a token tells, the longer it is.

    Reads table and tokenizer from the installed wheel; never the network. A text without any
    token has the zero vector's stand-in, so that it is near nothing in particular.
    """

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector of length 1 per text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text: 256 numbers, length 1."""
        import numpy as np

        tokenizer, table = static_table()
        ids = tokenizer.encode(text, add_special_tokens=False).ids[:TOKENS]
        if not ids:
            return [1.0, *([0.0] * (DIMENSIONS - 1))]
        mean = table[ids].astype(np.float32).sum(axis=0)
        length = float(np.linalg.norm(mean))
        unit = mean / length if length else np.eye(1, DIMENSIONS, dtype=np.float32)[0]
        return [float(number) for number in unit]


def static_table() -> "tuple[Any, np.ndarray]":
    """Return wordllama's tokenizer and its table, tokens x 256, float16; read once."""
    with _lock:
        return _read()


@cache
def _read() -> "tuple[Any, np.ndarray]":
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    folder = _wheel("wordllama")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    (table,) = load_file(folder / "weights/l2_supercat_256.safetensors").values()
    return tokenizer, table


def _wheel(package: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = find_spec(package)
    locations: Sequence[str] = (spec.submodule_search_locations if spec else None) or ()
    for location in locations:
        return Path(location)
    raise BadInput(f"The package {package!r} is not installed; install threadkeep again.")
