"""The vocabulary counts stems and knows their static vectors and weights."""

import numpy as np
import pytest

from threadkeep.search.vocabulary import UNKNOWN, Vocabulary, word_vector, word_weight


def test_forms_of_a_stem_have_one_id_and_new_stems_the_next() -> None:
    vocabulary = Vocabulary()
    assert vocabulary.ids(["bakery", "parrot", "bakeries"]) == [0, 1, 0]
    assert len(vocabulary) == 2


def test_every_form_of_a_stem_has_its_id_and_other_words_are_unknown() -> None:
    vocabulary = Vocabulary()
    vocabulary.ids(["bakery"])
    assert vocabulary.lookup("bakeries") == 0
    assert vocabulary.lookup("parrot") == UNKNOWN


def test_frequencies_follow_changes_and_are_zero_for_unknown_stems() -> None:
    vocabulary = Vocabulary()
    vocabulary.ids(["bakery", "parrot"])
    vocabulary.change_frequencies([0, 1], 1)
    vocabulary.change_frequencies([0], 1)
    vocabulary.change_frequencies([1], -1)
    assert vocabulary.frequencies(np.array([0, 1, UNKNOWN])).tolist() == [2, 0, 0]


def test_vectors_and_weights_stay_when_the_vocabulary_grows() -> None:
    vocabulary = Vocabulary()
    vocabulary.ids(["parrot"])
    first, weight = vocabulary.vectors().copy(), vocabulary.weights().copy()
    vocabulary.ids(f"w{number}" for number in range(1_000))
    assert vocabulary.vectors().shape == (1_001, 128)
    assert vocabulary.vectors()[:1].tolist() == first.tolist()
    assert vocabulary.weights()[:1].tolist() == weight.tolist()
    assert vocabulary.vectors()[1_000].tolist() == word_vector("w999").tolist()
    assert vocabulary.weights()[1_000] == pytest.approx(word_weight("w999"))


@pytest.mark.parametrize("word", ["parrot", "thing", "zürich", "京都", "qzxv"])
def test_a_word_vector_has_norm_one(word: str) -> None:
    assert np.linalg.norm(word_vector(word)) == pytest.approx(1, abs=1e-5)


def test_vectors_of_related_words_are_more_similar_than_of_unrelated_words() -> None:
    dog, puppy, train = map(word_vector, ("dog", "puppy", "train"))
    assert dog @ puppy > 0.5 > dog @ train


def test_a_word_with_more_meaning_has_more_weight() -> None:
    assert word_weight("thing") == pytest.approx(0.57, abs=0.005)
    assert word_weight("parrot") == pytest.approx(1.19, abs=0.005)
