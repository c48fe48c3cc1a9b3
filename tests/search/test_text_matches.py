"""Hits of the full-text index and of bigrams are scored and merged."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.search.text_matches import BEFORE_WEIGHT, TEXT_WEIGHT, bigram_hits, merge_hits


def test_a_rare_bigram_counts_more_than_a_common_one() -> None:
    # Bit 0 is in three items, bit 1 in one.
    scores = dict(bigram_hits([(1, 0b01, 0), (2, 0b01, 0), (3, 0b01, 0), (4, 0b10, 0)]))
    assert scores[1] == pytest.approx(TEXT_WEIGHT * log(1 + 4 / 3))
    assert scores[4] == pytest.approx(TEXT_WEIGHT * log(1 + 4 / 1))


def test_a_bigram_counts_more_in_the_text_than_in_the_text_before() -> None:
    scores = dict(bigram_hits([(1, 0b1, 0), (2, 0, 0b1), (3, 0b1, 0b1)]))
    weight = log(1 + 3 / 3)
    assert [scores[1], scores[2]] == pytest.approx([TEXT_WEIGHT * weight, BEFORE_WEIGHT * weight])
    assert scores[3] == pytest.approx(scores[1] + scores[2])


def test_no_matches_have_no_hits() -> None:
    assert bigram_hits([]) == []


def test_hits_of_several_searches_are_scaled_to_a_best_of_one_and_added() -> None:
    assert merge_hits([[(1, 8.0), (2, 4.0)], [(2, 0.5), (3, 0.25)]], 9) == [
        (2, 1.5),
        (1, 1.0),
        (3, 0.5),
    ]


def test_hits_without_a_score_stay_at_zero() -> None:
    assert merge_hits([[(2, 0.0), (1, 0.0)]], 9) == [(1, 0.0), (2, 0.0)]


HITS = st.dictionaries(st.integers(0, 9), st.floats(0.01, 100)).map(lambda hits: [*hits.items()])


@given(st.lists(HITS, max_size=3), st.integers(0, 5))
def test_a_limit_keeps_the_best_hits(searches: list[list[tuple[int, float]]], limit: int) -> None:
    merged = merge_hits(searches, 100)
    assert merge_hits(searches, limit) == merged[:limit]
    assert [score for _, score in merged] == sorted((score for _, score in merged), reverse=True)
    assert {number for number, _ in merged} == {n for hits in searches for n, _ in hits}
