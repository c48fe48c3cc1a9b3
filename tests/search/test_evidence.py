"""Rows match a query by words, similarity and dates."""

from math import log

import numpy as np
import pytest

from tests.search.indexes import NAMESPACE, evidence_of, index_of, message
from threadkeep.search.evidence import K1, MAX_CANDIDATES, B, candidates, date_match
from threadkeep.search.vocabulary import word_vector, word_weight

NONE = np.zeros(0, dtype=np.int64)


def test_bm25_is_the_weighted_share_of_the_terms_frequencies() -> None:
    # Lengths without stop words: 3, 1 and 2.
    index = index_of("parrot parrot lisbon", "lisbon", "train vienna")
    evidence = evidence_of("parrot lisbon", index)
    parrot = log(1 + (3 - 1 + 0.5) / 1.5) * word_weight("parrot")
    lisbon = log(1 + (3 - 2 + 0.5) / 2.5) * word_weight("lisbon")

    def frequency(count: int, length: int) -> float:
        return count / (count + K1 * (1 - B + B * length / 2))

    expected = [
        (parrot * frequency(2, 3) + lisbon * frequency(1, 3)) / (parrot + lisbon),
        lisbon * frequency(1, 1) / (parrot + lisbon),
        0,
    ]
    assert evidence.bm25[:-1] == pytest.approx(expected, rel=1e-5)


def test_a_row_without_neighbour_reads_zero() -> None:
    evidence = evidence_of("parrot", index_of("parrot"))
    assert evidence.rows["before"].tolist() == [-1]
    assert (evidence.bm25[-1], evidence.similarity[-1]) == (0, 0)


def test_a_removed_row_matches_nothing() -> None:
    index = index_of("parrot", "A parrot in Lisbon", "train")
    index.remove(0)
    evidence = evidence_of("parrot", index)
    assert (evidence.bm25[0], evidence.similarity[0]) == (0, 0)
    assert evidence.bm25[1] > 0
    assert evidence.similarity[1] > 0


def test_terms_that_no_item_contains_lower_the_share_of_the_others() -> None:
    index = index_of("parrot", "train")
    full, partial = (evidence_of(query, index) for query in ("parrot", "parrot kiln"))
    assert full.bm25[0] > partial.bm25[0] > 0


def test_a_text_equal_to_the_query_has_similarity_one() -> None:
    similarity = evidence_of("parrot lisbon", index_of("parrot lisbon", "train")).similarity
    assert similarity[0] == pytest.approx(1, abs=1e-3)


def test_similarity_is_the_cosine_of_the_weighted_sums_of_word_vectors() -> None:
    index = index_of("parrot train", "train")
    parrot, train = word_vector("parrot"), word_vector("train")
    weights = index.passages.term_weights(np.array([index.passages.vocabulary.lookup("parrot"), 1]))
    text = weights[0] * parrot + weights[1] * train
    similarity = evidence_of("parrot", index).similarity
    assert similarity[0] == pytest.approx(text @ parrot / np.linalg.norm(text), abs=1e-3)
    assert similarity[1] == pytest.approx(train @ parrot, abs=1e-3)


def test_a_related_text_without_a_common_word_is_more_similar_than_an_unrelated_one() -> None:
    evidence = evidence_of("puppy", index_of("The dog barks", "A train to Vienna"))
    assert evidence.bm25.tolist() == [0, 0, 0]
    assert evidence.similarity[0] > evidence.similarity[1]


@pytest.mark.parametrize("query", ["", "?!", "kiln", "🦜"])
def test_a_query_that_matches_no_word_has_no_bm25(query: str) -> None:
    evidence = evidence_of(query, index_of("parrot", "train"))
    assert evidence.bm25.tolist() == [0, 0, 0]
    assert np.isfinite(evidence.similarity).all()


def test_an_empty_index_has_evidence_without_rows() -> None:
    evidence = evidence_of("parrot", index_of())
    assert evidence.bm25.tolist() == evidence.similarity.tolist() == [0]


def test_coverage_is_the_share_of_terms_in_any_of_several_rows() -> None:
    evidence = evidence_of("parrot lisbon", index_of("parrot", "lisbon", "train"))
    parrot, lisbon, neither = (np.array([row]) for row in range(3))
    assert evidence.coverage(parrot, lisbon) == pytest.approx([1])
    assert evidence.coverage(neither) == pytest.approx([0])
    assert evidence.coverage(parrot) + evidence.coverage(lisbon) == pytest.approx([1])
    assert evidence.coverage(parrot, parrot) == evidence.coverage(parrot)


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("on 8 May 2023", 1.0),
        ("on 5 May 2023", 1.0),
        ("on 4 May 2023", 0.55),
        ("on 9 May 2023", 0.55),
        ("in May", 0.45),
        ("on 8 May", 0.9),
        ("in 2023", 0.1),
        ("in 2022", -0.2),
        ("on 8 May 2022", 0.7),
        ("in June", 0.0),
        ("some day", 0.0),
    ],
)
def test_a_row_matches_the_dates_of_a_query(query: str, match: float) -> None:
    evidence = evidence_of(query, index_of(message("parrot", time="2023-05-08T10:00:00+00:00")))
    assert date_match(evidence, evidence.rows) == pytest.approx([match])


def test_a_row_without_a_date_neither_matches_nor_contradicts_one() -> None:
    evidence = evidence_of("in 2022", index_of(message("parrot", time="soon")))
    assert date_match(evidence, evidence.rows).tolist() == [0]


def test_all_rows_of_a_small_mask_are_candidates() -> None:
    evidence = evidence_of("parrot", index_of("parrot", "train", "kiln"))
    mask = np.array([True, False, True])
    assert candidates(evidence, mask, NONE).tolist() == [0, 2]


def test_the_most_promising_rows_and_the_neighbours_in_the_mask_are_candidates() -> None:
    index = index_of(*(["train"] * (2 * MAX_CANDIDATES)))
    index.add(5_000, NAMESPACE, message("parrot"))
    index.add(5_001, "ada.messages.t2", message("parrot"))
    parrot, outside = index.row_of[5_000], index.row_of[5_001]
    evidence = evidence_of("parrot", index)
    mask = index.in_namespace(NAMESPACE)
    rows = candidates(evidence, mask, np.array([3, outside]))
    assert {3, parrot} <= set(rows.tolist())
    assert outside not in rows
    assert sorted(set(rows.tolist())) == rows.tolist()
    assert MAX_CANDIDATES <= len(rows) <= MAX_CANDIDATES + 1
