"""all-MiniLM-L6-v2 through onnxruntime: a folder with `model.onnx` and `tokenizer.json`."""

from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from threadkeep.base.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

DIMENSIONS = 384
TOKENS = 256
"""Longer texts are cut, as the model was trained."""
TOGETHER = 32
FILES = ("model.onnx", "tokenizer.json")


class MiniLM(Embeddings):
    """The mean of the model's token vectors, of length 1. Nothing is loaded before it is used.

    Raises:
        BadInput: the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise BadInput(
                f"The folder {str(folder)!r} holds no {missing[0]!r}; "
                "THREADKEEP_EMBEDDINGS=minilm:FOLDER wants model.onnx and tokenizer.json in it."
            )
        self._folder = folder
        self._lock = Lock()

    @cached_property
    def identity(self) -> str:
        """The name under which vectors are kept: of the model's very file."""
        with (self._folder / FILES[0]).open("rb") as file:
            return f"minilm {file_digest(file, 'sha256').hexdigest()[:16]}"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector of length 1 per text."""
        # Alike in length, little is padded.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors: list[list[float]] = [[] for _ in texts]
        for at in range(0, len(order), TOGETHER):
            places = order[at : at + TOGETHER]
            batch = self._vectors([texts[place] for place in places])
            for place, vector in zip(places, batch.tolist(), strict=True):
                vectors[place] = vector
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text: 384 numbers, length 1."""
        vector: list[float] = self._vectors([text])[0].tolist()
        return vector

    def _vectors(self, texts: list[str]) -> "np.ndarray":
        import numpy as np

        tokenizer, model = self._loaded
        encoded = tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encoded], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encoded], dtype=np.int64)
        values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        inputs = {field.name: values[field.name] for field in model.get_inputs()}
        tokens = np.asarray(model.run(None, inputs)[0], dtype=np.float32)
        if tokens.ndim != 3 or tokens.shape[2] != DIMENSIONS:
            raise BadInput(
                f"The model in {str(self._folder)!r} gives vectors of {tokens.shape[-1]} numbers; "
                f"all-MiniLM-L6-v2 gives {DIMENSIONS} for each token."
            )
        sums = (tokens * mask[:, :, None]).sum(axis=1)
        return np.asarray(sums / np.maximum(1e-9, np.linalg.norm(sums, axis=1, keepdims=True)))

    @property
    def _loaded(self) -> tuple[Any, Any]:
        with self._lock:
            return self._model

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer

        options = SessionOptions()
        # Searches and indexing have one thread; more would spin beside the model that answers.
        options.intra_op_num_threads = 1
        model, words = (str(self._folder / name) for name in FILES)
        try:
            session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
            tokenizer = Tokenizer.from_file(words)
        except Exception as error:
            raise BadInput(
                f"The model in {str(self._folder)!r} cannot be read ({type(error).__name__}); "
                "put all-MiniLM-L6-v2's model.onnx and tokenizer.json there again."
            ) from error
        tokenizer.enable_truncation(TOKENS)
        tokenizer.enable_padding()
        return tokenizer, session


def downloaded(folder: Path, *, allowed: bool) -> Path:
    """Return the folder of the model below `folder`, downloaded once where that is allowed.

    Raises:
        BadInput: it is not there, and may or can not be downloaded.
    """
    target = folder / "all-MiniLM-L6-v2"
    if all((target / "onnx" / name).is_file() for name in FILES):
        return target / "onnx"
    if not allowed:
        raise BadInput(
            f"The model minilm is not in {str(target / 'onnx')!r}; name its folder with "
            "THREADKEEP_EMBEDDINGS=minilm:FOLDER, or set THREADKEEP_ALLOW_DOWNLOAD=1 once."
        )
    # Chroma knows the address of its copy, and the checksum of the archive.
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    class Download(ONNXMiniLM_L6_V2):
        DOWNLOAD_PATH = target

    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        Download()(["the first use downloads"])
    except Exception as error:
        raise BadInput(
            f"The model minilm cannot be downloaded ({type(error).__name__}); "
            "name its folder with THREADKEEP_EMBEDDINGS=minilm:FOLDER."
        ) from error
    return target / "onnx"
