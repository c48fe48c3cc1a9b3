import asyncio
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from tests.vectors.tiny_model import USAGE, json_server, tiny_model
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import open_store
from threadkeep.vectors.embeddings import (
    DIMENSIONS,
    StaticEmbeddings,
    identity_of,
    open_embeddings,
)
from threadkeep.vectors.minilm import MiniLM

STATIC = StaticEmbeddings()


def cosine(first: str, second: str) -> float:
    pairs = zip(STATIC.embed_query(first), STATIC.embed_query(second), strict=True)
    return sum(a * b for a, b in pairs)


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    vector = STATIC.embed_query(text)
    assert len(vector) == DIMENSIONS
    assert math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-3)
    assert STATIC.embed_documents([text]) == [vector]


def test_related_texts_are_nearer_than_unrelated_ones() -> None:
    assert cosine("dogs and kittens", "My puppy barks at cats.") > cosine(
        "dogs and kittens", "The tax office wrote."
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("magic", "'magic' are not known; use static, minilm, minilm:FOLDER or openai/NAME"),
        ("openai/", "'openai/' are not known"),
        ("openai/some-model", "'openai/some-model' want OPENAI_API_KEY"),
        ("minilm:/no/such/folder", "'/no/such/folder' holds no 'model.onnx'"),
        ("minilm", "THREADKEEP_ALLOW_DOWNLOAD=1"),
    ],
)
def test_unusable_embeddings_are_an_error_of_one_sentence(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(BadInput) as error:
        open_embeddings(Settings(home=tmp_path, embeddings=name))
    assert message in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_missing_extra_is_an_error_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threadkeep.vectors.embeddings.find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"install threadkeep\[minilm\]"):
        open_embeddings(Settings(home=tmp_path, embeddings=f"minilm:{tiny_model(tmp_path)}"))


def test_a_model_of_another_size_is_an_error_with_both_sizes(tmp_path: Path) -> None:
    model = MiniLM(tiny_model(tmp_path, dimensions=8))
    with pytest.raises(BadInput, match="vectors of 8 numbers; all-MiniLM-L6-v2 gives 384"):
        model.embed_query("dogs")


def test_a_broken_model_file_is_an_error(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(BadInput, match="cannot be read"):
        MiniLM(folder).embed_query("dogs")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(), max_size=5))
def test_a_text_has_the_same_vector_alone_and_among_others(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        model = MiniLM(tiny_model(Path(folder)))
        together = model.embed_documents(texts)
        alone = [model.embed_query(text) for text in texts]
    assert [len(vector) for vector in together] == [384] * len(texts)
    assert all(
        math.isclose(a, b, abs_tol=1e-5)
        for first, second in zip(together, alone, strict=True)
        for a, b in zip(first, second, strict=True)
    )


async def test_vectors_come_from_an_openai_compatible_server(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        bodies.append(body)
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": [1.0, 0.0]}
            for index, _ in enumerate(texts)
        ]
        return {"object": "list", "data": data, "model": body["model"], "usage": USAGE}

    with json_server(answer) as url:
        server_settings = Settings(
            home=tmp_path, embeddings="openai/some-model", openai_base_url=url
        )
        vectors = await asyncio.to_thread(
            open_embeddings(server_settings).embed_documents, ["a", "b"]
        )
    assert vectors == [[1.0, 0.0], [1.0, 0.0]]
    assert [body["model"] for body in bodies] == ["some-model"]


class OtherModel(Embeddings):
    """Embeddings of another package, with the name of a model."""

    model = "some/model-1"
    dimensions: int | None = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(len(text)), 1.0]


def test_embeddings_differ_by_class_model_and_dimension() -> None:
    smaller, nameless = OtherModel(), OtherModel()
    smaller.dimensions, nameless.model = 2, ""
    identities = {
        "OtherModel some/model-1": OtherModel(),
        "OtherModel some/model-1 2": smaller,
        "OtherModel of 2": nameless,
        "static": STATIC,
        "DeterministicFakeEmbedding of 8": DeterministicFakeEmbedding(size=8),
        "DeterministicFakeEmbedding of 9": DeterministicFakeEmbedding(size=9),
    }
    assert [identity_of(embeddings) for embeddings in identities.values()] == list(identities)


async def test_langchain_embeddings_as_an_argument_override_the_settings(home: Settings) -> None:
    namespace = ("ada", "messages", "t")
    async with open_store(home) as store:
        await store.aput(namespace, "k", {"text": "A parrot"})
        await store.index_pending()
    for size in (8, 12):
        embeddings = DeterministicFakeEmbedding(size=size)
        async with open_store(home, embeddings=embeddings) as store:
            await store.index_pending()
            (nearness,) = (await store.vectors.search("ada", "A parrot", 1)).values()
            assert nearness == pytest.approx(1.0, abs=1e-3)
            assert store.vectors.identity == f"DeterministicFakeEmbedding of {size}"
            assert [item.key for item in await store.asearch(namespace, query="parrot")] == ["k"]
