"""What turns text into vectors: static word vectors by default, offline and fast; or a model."""

from collections.abc import Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.vectors.minilm import MiniLM, downloaded

if TYPE_CHECKING:
    import numpy as np

DIMENSIONS = 256
_lock = Lock()
ANSWER_SECONDS = 10.0
"""So long a server may take to make vectors."""
UNRELATED = (
    "The train to Vienna leaves at nine.",
    "My knee hurts when I climb stairs.",
    "She bakes bread with rye flour.",
    "The server returned an error again.",
    "We painted the kitchen yellow.",
    "Taxes are due at the end of April.",
    "He plays the cello in an orchestra.",
    "A storm knocked down the old oak.",
    "Their team lost the final match.",
    "I am learning Portuguese verbs.",
    "The cat sleeps on the warm laptop.",
    "Prices for copper rose last week.",
)
MOST_UNRELATED = 0.9
TOKENS = 512
"""Longer texts are cut: the mean of more words says less."""


def open_embeddings(settings: Settings) -> Embeddings:
    """Return the embeddings that the settings name; no model is loaded before it is used.

    Raises:
        BadInput: there are none of that name, or something that they need is missing.
    """
    name, _, detail = settings.embeddings.partition(":")
    if settings.embeddings == "static":
        return StaticEmbeddings()
    if name == "minilm":
        return _minilm(settings, detail)
    kind, _, model = settings.embeddings.partition("/")
    if kind == "openai" and model:
        return _openai(settings, model)
    raise BadInput(
        f"Embeddings {settings.embeddings!r:.60} are not known; "
        "use static, minilm, minilm:FOLDER or openai/NAME."
    )


def identity_of(embeddings: Embeddings) -> str:
    """Return the name under which vectors are kept apart from those of other embeddings.

    That is their `identity`, if they have one; else their class with the name of the model, or with
    the dimension of a vector if there is no name.
    """
    if identity := getattr(embeddings, "identity", ""):
        return str(identity)
    names = (getattr(embeddings, name, None) for name in ("model", "model_name", "model_id"))
    model = next((name for name in names if isinstance(name, str) and name), "")
    detail = model or f"of {len(embeddings.embed_query('dimension'))}"
    dimensions = getattr(embeddings, "dimensions", None)
    return " ".join(filter(None, [type(embeddings).__name__, detail, str(dimensions or "")]))


def load(embeddings: Embeddings) -> None:
    """Load a model of this package, so that the first search does not wait for it."""
    if isinstance(embeddings, StaticEmbeddings | MiniLM):
        embeddings.embed_query("warm")


def unrelated_cosine(embeddings: Embeddings) -> float:
    """Return the mean cosine of texts that have nothing to do with each other.

    With some models it is near 0, with others above 0.7; what lies above it tells.
    """
    import numpy as np

    vectors = np.array(embeddings.embed_documents(list(UNRELATED)))
    vectors /= np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True))
    pairs = np.triu_indices(len(UNRELATED), 1)
    return min(MOST_UNRELATED, max(0.0, float((vectors @ vectors.T)[pairs].mean())))


def _minilm(settings: Settings, folder: str) -> Embeddings:
    if find_spec("onnxruntime") is None:
        raise BadInput("Embeddings 'minilm' want onnxruntime; install threadkeep[minilm].")
    if folder:
        return MiniLM(Path(folder).expanduser())
    return MiniLM(downloaded(settings.home / "models", allowed=settings.may_download))


def _openai(settings: Settings, model: str) -> Embeddings:
    if not settings.openai_api_key and not settings.openai_base_url:
        raise BadInput(
            f"Embeddings 'openai/{model:.60}' want OPENAI_API_KEY, "
            "or OPENAI_BASE_URL for a local server."
        )
    return OpenAIVectors(settings, model)


class OpenAIVectors(Embeddings):
    """Vectors from an OpenAI-compatible server; its texts leave this machine."""

    def __init__(self, settings: Settings, model: str) -> None:
        self.model, self.base_url = model, settings.openai_base_url or ""
        self._settings = settings

    @property
    def identity(self) -> str:
        """The name under which vectors are kept: of the model, and of its server."""
        return f"openai {self.model} {self.base_url}"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector per text."""
        return self._client.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text."""
        return self._client.embed_query(text)

    @cached_property
    def _client(self) -> Embeddings:
        from langchain_openai import OpenAIEmbeddings

        return OpenAIEmbeddings(
            model=self.model,
            api_key=self._settings.openai_api_key or SecretStr("none"),
            base_url=self._settings.openai_base_url,
            # Compatible servers take texts, not the numbers of OpenAI's tokens.
            check_embedding_ctx_length=False,
            timeout=ANSWER_SECONDS,
            max_retries=1,
        )


class StaticEmbeddings(Embeddings):
    """The mean of wordllama's 256-d static token vectors: the more a token tells, the longer it is.

    Reads table and tokenizer from the installed wheel; never the network. A text without any
    token has the zero vector's stand-in, so that it is near nothing in particular.
    """

    identity = "static"

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
