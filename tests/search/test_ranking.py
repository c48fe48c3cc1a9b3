"""Items are ranked by how probably they answer a query; chance matches are left out."""

from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.indexes import NAMESPACE, evidence_of, index_of, message
from threadkeep.search.features import FEATURES
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.passages import text_of_passages
from threadkeep.search.ranking import (
    MIN_VECTOR_SCORE,
    NEWER,
    PARTS,
    WORDS_SHARE,
    Score,
    rank,
    rank_hits,
    relevant,
)
from threadkeep.search.relevance import MAX_GAP, STRENGTHS
from threadkeep.search.weights import CONTEXTUAL, STATIC, Weights

# One form per stem: a stem's vector is that of its first form, which depends on the order.
WORDS = st.sampled_from("parrot Lisbon train Vienna kiln piano 2023 May two Ann the 京都".split())
MESSAGES = st.lists(
    st.builds(
        message,
        st.lists(WORDS, max_size=6).map(" ".join),
        name=st.sampled_from(["Ann", "Tom"]),
        time=st.sampled_from(["", "2023-05-08", "2022-05-09"]),
    ),
    min_size=1,
    max_size=8,
)


def ranked(
    query: str,
    index: MemoryIndex,
    vector_scores: dict[int, float] | None = None,
    limit: int = 100,
    weights: Weights = STATIC,
) -> dict[int, Score]:
    mask = index.in_namespace(NAMESPACE)
    return rank(evidence_of(query, index), mask, vector_scores or {}, limit, weights)


@settings(deadline=None)
@given(messages=MESSAGES, query=st.lists(WORDS, max_size=5).map(" ".join), data=st.data())
def test_scores_do_not_depend_on_the_order_in_which_items_arrive(
    messages: list[dict[str, Any]], query: str, data: st.DataObject
) -> None:
    items = list(enumerate(messages))
    results = []
    for order in (items, data.draw(st.permutations(items))):
        index = MemoryIndex()
        for number, value in order:
            index.add(number, NAMESPACE, {"position": number, **value})
        # No threshold: a score that rounds differently must not appear or disappear.
        results.append(ranked(query, index, weights=replace(STATIC, floor=0.0, bias=9.0)))
    totals = [{number: score.total for number, score in result.items()} for result in results]
    assert totals[0] == pytest.approx(totals[1], abs=1e-4)


@settings(deadline=None)
@given(messages=MESSAGES, query=st.lists(WORDS, max_size=5).map(" ".join))
def test_scores_are_probabilities_best_first_and_a_limit_keeps_the_best(
    messages: list[dict[str, Any]], query: str
) -> None:
    index = index_of(*messages)
    scores = ranked(query, index)
    totals = [score.total for score in scores.values()]
    assert totals == sorted(totals, reverse=True)
    assert all(0 <= total <= 1 for total in totals)
    assert list(ranked(query, index, limit=2).items()) == list(scores.items())[:2]


def test_the_message_that_answers_comes_first() -> None:
    index = index_of("My sister keeps parrots in Lisbon.", "My puppy barks.", "I like trains.")
    assert next(iter(ranked("Where do the parrots live?", index))) == 0


def test_of_equal_scores_the_newer_item_comes_first() -> None:
    index = MemoryIndex()
    for number in (3, 9, 5):
        index.add(number, NAMESPACE, message("parrot"))
    assert list(ranked("parrot", index)) == [9, 5, 3]


def test_items_outside_the_mask_are_never_returned() -> None:
    index = index_of("parrot")
    index.add(1, "ada.facts", message("parrot"))
    index.add(2, f"{NAMESPACE}0", message("parrot"))
    index.add(3, f"{NAMESPACE}.below", message("parrot"))
    assert set(ranked("parrot", index)) == {0, 3}


def test_a_removed_item_is_never_returned() -> None:
    index = index_of("parrot", "parrot")
    index.remove(0)
    assert set(ranked("parrot", index)) == {1}


def test_nothing_is_ranked_in_an_empty_index() -> None:
    assert ranked("parrot", index_of()) == {}


def test_an_item_with_nothing_in_common_is_not_returned() -> None:
    index = MemoryIndex()
    index.add(0, NAMESPACE, message("green parrot", position=0))
    index.add(1, NAMESPACE, message("invoice overdue", position=9))
    assert set(ranked("green parrot", index)) == {0}


def test_the_parts_of_a_score_add_up_to_its_log_odds() -> None:
    index = index_of(
        message("Do you have parrots?", name="Tom", time="2023-05-07"),
        message("We bought two parrots in May 2023", name="Ann", time="2023-05-08"),
    )
    for weights in (STATIC, CONTEXTUAL):
        scores = ranked("When did Ann buy parrots in May?", index, {1: 0.5}, weights=weights)
        for score in scores.values():
            assert list(score.parts) == [*PARTS, NEWER]
            log_odds = log(score.total / (1 - score.total))
            assert sum(score.parts.values()) + weights.bias == pytest.approx(log_odds, abs=0.01)


def test_every_feature_has_a_weight_and_belongs_to_one_part() -> None:
    assert sorted(name for names in PARTS.values() for name in names) == sorted(FEATURES)
    for weights in (STATIC, CONTEXTUAL):
        assert len(weights.by_feature) == len(FEATURES)
        assert len(weights.by_strength) == len(STRENGTHS)


def test_contextual_weights_count_vector_scores_and_static_weights_do_not() -> None:
    index = index_of("parrot", "parrot")
    for weights, counts in ((STATIC, False), (CONTEXTUAL, True)):
        scores = ranked("parrot", index, {0: 0.9}, weights=weights)
        assert (scores[0].parts["vector"] > 0) is counts


def test_a_neighbour_that_was_deleted_from_the_index_is_ignored() -> None:
    index = index_of("parrot")
    assert ranked("parrot", index, {77: 0.9}, weights=CONTEXTUAL) == ranked(
        "parrot", index, weights=CONTEXTUAL
    )


def test_below_the_floor_nothing_is_recalled() -> None:
    index = index_of("kiln in Vienna", "a parrot")
    low, high = (replace(STATIC, floor=floor) for floor in (0.0, 1.0))
    assert next(iter(ranked("kiln", index, weights=low))) == 0
    assert ranked("kiln", index, weights=high) == {}


def test_among_many_messages_a_chance_match_recalls_nothing() -> None:
    talk = [f"We painted room {number} of the house yellow." for number in range(300)]
    index = index_of(*talk, "The notary asked for my passport.")
    assert 300 in ranked("What did the notary ask for?", index)
    assert ranked("How many beehives did the mayor buy in the yellow submarine?", index) == {}


@pytest.mark.parametrize(
    ("coverage", "similarity", "date", "log_odds", "expected"),
    [
        (0.05, 0, 0, -2, True),
        (0, 0.35, 0, -2, True),
        (0, 0, 0.4, -2, True),
        (0, 0, 0, -1.3, True),
        (0.04, 0.34, 0.39, -1.5, False),
        (1, 1, 1, 2 - MAX_GAP - 0.1, False),
    ],
)
def test_one_reason_is_enough_to_be_relevant_near_the_best(
    coverage: float, similarity: float, date: float, log_odds: float, expected: bool
) -> None:
    matrix = np.zeros((2, len(FEATURES)))
    matrix[1, FEATURES.index("coverage_nearby")] = coverage
    matrix[1, FEATURES.index("date")] = date
    keep = relevant(matrix, np.array([2, log_odds]), np.array([0, similarity]))
    assert keep.tolist() == [True, expected]


def test_of_two_statements_about_the_same_the_newer_comes_first_and_says_why() -> None:
    index = index_of(
        "My dentist appointment is on Monday at nine.",
        "I like trains.",
        "My dentist appointment was moved to Friday at ten, the receptionist told me on the phone.",
    )
    scores = ranked("When is my dentist appointment?", index)
    assert list(scores)[:2] == [2, 0]
    assert scores[2].parts[NEWER] >= 0
    # Another speaker replaces nothing.
    index = index_of(
        message("My dentist appointment is on Monday at nine.", name="Ann"),
        message("The dentist has an appointment, and so has the receptionist on phone", name="Tom"),
    )
    assert ranked("When is Ann's dentist appointment?", index)[0].parts[NEWER] == 0


def test_the_best_passages_of_a_long_message_are_named() -> None:
    filler = "The barn is old and needs a roof. " * 20
    index = index_of(f"{filler}\n\nThe parrot speaks Latin.\n\n{filler}", "a parrot")
    scores = ranked("Which language does the parrot speak?", index)
    text = f"{filler}\n\nThe parrot speaks Latin.\n\n{filler}"
    assert "speaks Latin" in text_of_passages(text, scores[0].passages)
    assert scores[1].passages == ()


def test_hits_are_scored_by_words_relative_to_the_best_and_by_vectors() -> None:
    scores = rank_hits({1: 8.0, 2: 4.0}, {2: 0.9, 3: 0.5})
    vector_share = 1 - WORDS_SHARE
    totals = {number: score.total for number, score in scores.items()}
    assert totals == pytest.approx(
        {1: WORDS_SHARE, 2: WORDS_SHARE / 2 + 0.9 * vector_share, 3: 0.5 * vector_share}
    )
    assert list(scores) == [1, 2, 3]
    assert scores[1].parts == {"words": WORDS_SHARE, "vector": 0.0}


def test_a_hit_without_words_needs_a_near_vector() -> None:
    far = MIN_VECTOR_SCORE - 0.01
    assert set(rank_hits({}, {1: MIN_VECTOR_SCORE, 2: far})) == {1}
    assert set(rank_hits({2: 1.0}, {2: far})) == {2}


def test_a_negative_vector_score_takes_nothing_from_a_hit() -> None:
    assert rank_hits({1: 1.0}, {1: -0.5})[1].total == WORDS_SHARE


def test_of_equal_hits_the_newer_comes_first() -> None:
    assert list(rank_hits({3: 2.0, 9: 2.0, 5: 2.0}, {})) == [9, 5, 3]


def test_no_hits_have_no_scores() -> None:
    assert rank_hits({}, {}) == {}
