"""Each feature is what its name says, for any messages and any query."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.indexes import evidence_of, index_of, message
from threadkeep.search.features import FEATURES, features
from threadkeep.search.memory_index import MemoryIndex

UNBOUNDED = ("length", "total_weight", "max_weight")
TEXTS = st.lists(
    st.sampled_from("parrot Lisbon train I you May 2023 two when ? 京都 the ann".split()),
    max_size=6,
).map(" ".join)
MESSAGES = st.lists(
    st.builds(
        message,
        TEXTS,
        name=st.sampled_from(["", "Ann", "Tom"]),
        role=st.sampled_from(["user", "assistant"]),
        time=st.sampled_from(["", "2023-05-08T10:00:00+00:00", "2022-05-09"]),
        position=st.none() | st.integers(0, 5),
    ),
    min_size=1,
    max_size=8,
)


def features_of(
    query: str, index: MemoryIndex, vector_scores: dict[int, float] | None = None
) -> dict[str, list[float]]:
    """Return the values of each feature, for all rows."""
    matrix = features(evidence_of(query, index), np.arange(index.size), vector_scores or {})
    return {name: column.tolist() for name, column in zip(FEATURES, matrix.T, strict=True)}


@settings(deadline=None)
@given(
    messages=MESSAGES,
    query=TEXTS,
    removed=st.sets(st.integers(0, 7)),
    vector_scores=st.dictionaries(st.integers(0, 9), st.floats(0, 1)),
)
def test_features_are_finite_and_bounded(
    messages: list[dict[str, Any]],
    query: str,
    removed: set[int],
    vector_scores: dict[int, float],
) -> None:
    index = index_of(*messages)
    for number in removed:
        index.remove(number)
    for name, values in features_of(query, index, vector_scores).items():
        assert np.isfinite(values).all(), name
        if name not in UNBOUNDED:
            assert min(values) >= -1, name
            assert max(values) <= 2, name


def test_no_rows_have_no_features() -> None:
    evidence = evidence_of("parrot", index_of("parrot"))
    assert features(evidence, np.zeros(0, dtype=np.int64), {}).shape == (0, len(FEATURES))


def test_words_are_relative_to_the_best_row() -> None:
    values = features_of("parrot", index_of("parrot", "a parrot in a train", "kiln"))["words"]
    assert values[0] == 1
    assert 0 < values[1] < 1
    assert values[2] == 0


def test_similarity_is_relative_to_the_best_row() -> None:
    values = features_of("puppy", index_of("The dog barks", "A train to Vienna"))["similarity"]
    assert values[0] == 1 > values[1]


def test_a_dissimilar_text_counts_no_less_than_minus_one() -> None:
    evidence = evidence_of("parrot", index_of("kiln", "train"))
    evidence.passage_similarity = np.array([0.01, -0.5, 0], dtype=np.float32)
    matrix = features(evidence, np.arange(2), {})
    assert matrix[:, FEATURES.index("similarity")].tolist() == [1, -1]


def test_words_and_similarity_of_the_neighbours_count() -> None:
    values = features_of("parrot", index_of("kiln", "parrot", "train", "piano"))
    assert [value > 0 for value in values["words_before"]] == [False, False, True, False]
    assert values["similarity_around"][3] > 0.4


def test_beside_an_assistant_only_its_reply_counts() -> None:
    index = index_of("parrot", message("kiln", role="assistant"), "train", "onion")
    values = features_of("parrot", index)
    assert values["words_before"] == values["answer_words"] == [0, 0, 0, 0]
    assert [value > 0 for value in values["reply_words"]] == [False, True, False, False]
    values = features_of("kiln", index)
    assert [value > 0 for value in values["answer_words"]] == [True, False, False, False]
    assert values["assistant"] == [0, 1, 0, 0]
    assert values["assistant_asked"] == [0, 0, 0, 0]
    assert features_of("What did you recommend?", index)["assistant_asked"] == [0, 1, 0, 0]


def test_an_assistant_with_a_name_of_its_own_is_another_person() -> None:
    ann, unnamed = (message("parrot", role="assistant", name=name) for name in ("Ann", "assistant"))
    assert features_of("parrot", index_of(ann, unnamed))["assistant"] == [0, 1]


def test_coverage_is_that_of_two_messages_on_each_side() -> None:
    texts = ("kiln", "train", "parrot", "piano", "tiger", "onion", "banjo")
    values = features_of("parrot", index_of(*texts))
    assert values["coverage_nearby"] == pytest.approx([1, 1, 1, 1, 1, 0, 0])


def test_the_first_and_the_last_message_are_no_neighbours() -> None:
    values = features_of("parrot", index_of("kiln", "train", "onion", "piano", "parrot", "banjo"))
    assert values["coverage_nearby"] == pytest.approx([0, 0, 1, 1, 1, 1])
    values = features_of("parrot", index_of("kiln", "parrot", "onion", "piano", "train", "banjo"))
    assert values["coverage_nearby"] == pytest.approx([1, 1, 1, 1, 0, 0])


def test_a_neighbour_is_the_next_position_in_the_same_thread_in_any_order_of_arrival() -> None:
    index = MemoryIndex()
    index.add(0, "ada.messages.t1", message("train", position=8))
    index.add(1, "ada.messages.t2", message("parrot", position=7))
    index.add(2, "ada.messages.t1", message("parrot", position=7))
    values = features_of("parrot", index)
    assert [value > 0 for value in values["words_before"]] == [True, False, False]
    assert values["opening"] == [0, 1, 1]


def test_a_removed_message_is_nobodys_neighbour() -> None:
    index = index_of("parrot", "train")
    index.remove(0)
    values = features_of("parrot", index)
    assert values["words_before"][1] == values["coverage_nearby"][1] == 0
    assert values["opening"][1] == 1


def test_pairs_are_words_side_by_side_in_one_message() -> None:
    index = index_of("green parrot", "parrot green", "green", "parrot", "the parrot is green")
    values = features_of("green parrot", index)["pairs"]
    assert values == [0.5, 0, 0, 0, 0]


def test_two_pairs_are_enough() -> None:
    text = "one green parrot ate ripe bananas"
    assert features_of(text, index_of(text))["pairs"] == [1]


def test_vector_scores_belong_to_the_row_of_their_item_and_to_the_next_message() -> None:
    values = features_of("kiln", index_of("parrot", "train", "piano"), {0: 0.5, 1: 0.25, 99: 1.0})
    assert values["vector"] == [0.5, 0.25, 0]
    assert values["vector_before"] == [0, 0.5, 0.25]


def test_speakers_that_the_query_mentions_count_and_the_first_is_the_subject() -> None:
    index = index_of(*(message("parrot", name=name) for name in ("Ann", "Tom", "Eve")))
    values = features_of("Did Tom meet Ann?", index)
    assert values["speaker"] == [1, 1, 0]
    assert values["subject"] == [0, 1, 0]


def test_a_question_without_speakers_has_no_subject() -> None:
    index = index_of(message("parrot", name="Ann"))
    values = features_of("Who sings?", index)
    assert (values["speaker"], values["subject"]) == ([0], [0])


def test_a_text_that_mentions_a_time_counts_only_if_the_query_asks_for_one() -> None:
    index = index_of("The parrot came yesterday", "The parrot came", "kiln", "We met on Monday")
    values = features_of("When did the parrot come?", index)
    assert values["time"] == [1, 0, 0, 1]
    assert values["time_coverage"][0] > values["time_coverage"][3] == 0
    assert features_of("Where is the parrot?", index)["time"] == [0, 0, 0, 0]


def test_a_text_that_mentions_a_quantity_counts_only_if_the_query_asks_for_one() -> None:
    index = index_of("I keep two parrots", "I keep parrots")
    assert features_of("How many parrots?", index)["quantity"] == [1, 0]
    assert features_of("Which parrots?", index)["quantity"] == [0, 0]


def test_messages_of_one_day_share_its_best_match_and_its_words() -> None:
    first, second = "2023-05-08T10:00:00+00:00", "2023-05-09T10:00:00+00:00"
    index = index_of(
        message("parrot", time=first, position=0),
        message("train", time=first, position=10),
        message("kiln", time=second, position=20),
        message("parrot", position=30),
    )
    values = features_of("parrot", index)
    assert values["day"][0] == values["day"][1] > 0
    assert values["day"][2:] == [0, 0]
    assert values["day_coverage"] == pytest.approx([1, 1, 0, 0])


def test_a_day_counts_the_message_before_its_first_one_by_half() -> None:
    index = index_of(
        message("parrot", time="2023-05-08"),
        message("train", time="2023-05-09"),
        message("kiln", time="2023-05-09"),
    )
    values = features_of("parrot", index)
    assert values["day"][1] == values["day"][2] == pytest.approx(values["day"][0] / 2)


def test_a_removed_message_gives_its_day_nothing() -> None:
    day = "2023-05-08T10:00:00+00:00"
    index = index_of(
        message("parrot", time=day, position=0), message("train", time=day, position=10)
    )
    index.remove(0)
    values = features_of("parrot", index)
    assert (values["day"], values["day_coverage"]) == ([0, 0], [0, 0])


def test_the_form_of_a_message_depends_on_its_text_and_its_place() -> None:
    index = index_of("Do you like Lisbon?", "I like it in 2023.", "And then?")
    values = features_of("kiln", index)
    assert values["has_question"] == values["question"] == [1, 0, 1]
    assert values["answer"] == [0, 1, 0]
    assert values["opening"] == [1, 0, 0]
    assert values["proper_name"] == [1, 0, 0]
    assert values["digits"] == [0, 1, 0]


def test_a_request_with_a_statement_is_no_bare_question() -> None:
    index = index_of("I moved to Oslo, can you help me?", "Where is Oslo?", "我住在哪里？")
    values = features_of("kiln", index)
    assert values["has_question"] == [1, 1, 1]
    assert values["question"] == [0, 1, 1]


def test_a_long_message_matches_by_its_best_passage() -> None:
    filler = "The barn is old and needs a roof. " * 20
    index = index_of(f"{filler}\n\nThe parrot speaks.\n\n{filler}", "A parrot in a barn", "kiln")
    values = features_of("parrot", index)
    assert values["words"][0] > 0.3
    assert values["length"][0] < np.log(80)


def test_length_and_weights_leave_out_stop_words() -> None:
    index = index_of("parrot", "the parrot and a train", "train", "")
    values = features_of("kiln", index)
    parrot, both, train, none = values["max_weight"]
    assert values["length"] == pytest.approx([0, np.log(2), 0, 0])
    assert both == max(parrot, train)
    assert none == 0
    totals = [parrot, parrot + train, train, 0]
    assert values["total_weight"] == pytest.approx(np.log1p(totals))
