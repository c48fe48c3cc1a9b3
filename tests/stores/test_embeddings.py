import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import BadInput
from stores.embeddings import DIMENSIONS, StaticEmbeddings

STATIC = StaticEmbeddings()


def cosine(left: str, right: str) -> float:
    pairs = zip(STATIC.embed_query(left), STATIC.embed_query(right), strict=True)
    return sum(a * b for a, b in pairs)


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    vector = STATIC.embed_query(text)
    assert len(vector) == DIMENSIONS
    assert math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-3)
    assert STATIC.embed_documents([text]) == [vector]


def test_what_is_alike_is_nearer_than_what_is_not() -> None:
    assert cosine("dogs and kittens", "My puppy barks at cats.") > cosine(
        "dogs and kittens", "The tax office wrote."
    )


def test_embeddings_that_are_not_known_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="'magic' are not known; use static"):
        open_embeddings("magic")
