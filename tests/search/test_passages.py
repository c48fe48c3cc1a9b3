"""A long text is split into passages without loss, and shown by passage with marks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.search.passages import (
    OMISSION,
    PASSAGE_BYTES,
    WHOLE_BYTES,
    split_passages,
    text_of_passages,
)

SENTENCE = "The heron stands in the river and waits. "
TEXTS = st.lists(
    st.sampled_from(
        [SENTENCE, "\n\n", "\n", "鷺は川に立っている。", "x" * 700, " ", "a.b", "é" * 50]
    ),
    max_size=40,
).map("".join)


@given(TEXTS | st.text())
def test_passages_cover_a_text_in_order_without_gaps(text: str) -> None:
    spans = split_passages(text)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    if len(spans) > 1:
        assert all(start < end for start, end in spans)


@given(TEXTS)
def test_no_passage_is_much_longer_than_the_limit(text: str) -> None:
    for start, end in split_passages(text):
        assert len(text[start:end].encode()) <= WHOLE_BYTES + PASSAGE_BYTES // 2


def test_a_short_text_is_one_passage() -> None:
    assert split_passages("") == [(0, 0)]
    assert split_passages(SENTENCE * 3) == [(0, 3 * len(SENTENCE))]


def test_sentences_stay_whole() -> None:
    text = SENTENCE * 40
    for start, end in split_passages(text):
        assert text[start:end].strip().startswith("The heron")
        assert text[start:end].strip().endswith("waits.")


@pytest.mark.parametrize(
    ("numbers", "start", "end"), [([0], False, True), ([1], True, True), ([99], True, False)]
)
def test_a_passage_is_marked_where_text_is_missing(
    numbers: list[int], start: bool, end: bool
) -> None:
    text = text_of_passages("\n\n".join(f"{n} {SENTENCE * 8}" for n in range(6)), numbers)
    assert text.startswith(OMISSION) is start
    assert text.endswith(OMISSION) is end
    assert SENTENCE.strip() in text


def test_two_distant_passages_have_a_mark_between_them() -> None:
    text = "\n\n".join(f"{n} {SENTENCE * 8}" for n in range(6))
    text = text_of_passages(text, [0, 3])
    assert text.count(OMISSION) == 2
    assert text.startswith("0 ")
    assert text_of_passages(text, [3, 2]).count(OMISSION) == 2


@given(TEXTS, st.lists(st.integers(-5, 50), max_size=3))
def test_any_numbers_show_parts_of_the_text(text: str, numbers: list[int]) -> None:
    for part in text_of_passages(text, numbers).split(OMISSION):
        assert part.strip() in text


def test_a_text_without_numbers_or_with_all_is_shown_whole() -> None:
    text = SENTENCE * 40
    assert text_of_passages(text, []) == text
    assert text_of_passages(text, range(len(split_passages(text)))) == text
