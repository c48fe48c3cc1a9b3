"""A memory index holds a row for each item, and forgets what is removed."""

import numpy as np
import pytest

from tests.search.indexes import NAMESPACE, evidence_of, index_of, message
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.passage_index import FEW_PASSAGES


def idf(index: MemoryIndex, word: str) -> float:
    return float(index.passages.idf(np.array([index.passages.vocabulary.lookup(word)]))[0])


def test_a_namespace_has_its_own_rows_and_those_below_without_removed_ones() -> None:
    index = index_of("parrot", "train")
    index.add(2, "ada.facts", message("kiln"))
    index.remove(1)
    assert index.in_namespace(NAMESPACE).tolist() == [True, False, False]
    assert index.in_namespace("ada").tolist() == [True, False, True]
    assert index.in_namespace("a").tolist() == [False, False, False]


def test_an_item_is_added_once() -> None:
    index = index_of("parrot")
    index.add(0, NAMESPACE, message("train"))
    assert (index.size, index.alive, index.passages.vocabulary.lookup("train")) == (1, 1, -1)


def test_removing_an_unknown_item_changes_nothing() -> None:
    index = index_of("parrot")
    index.remove(5)
    assert index.alive == 1


def test_the_rarity_of_a_word_forgets_removed_items() -> None:
    index = index_of("parrot parrot", "parrot", "train")
    assert idf(index, "parrot") < idf(index, "train")
    index.remove(0)
    assert idf(index, "parrot") == idf(index, "train")


def test_a_replaced_neighbour_is_not_unlinked_by_the_removal_of_the_old_one() -> None:
    index = index_of("train", "parrot")
    index.add(2, NAMESPACE, message("green parrot", position=1))
    index.remove(1)
    assert index.rows["after"].tolist()[0] == 2
    assert index.rows["before"].tolist()[2] == 0


@pytest.mark.parametrize(("time", "day"), [("2023-05-08T10:00", 8), ("soon", 0), (None, 0)])
def test_a_time_that_is_no_date_gives_no_day(time: str | None, day: int) -> None:
    index = index_of(message("parrot", time=time))
    assert index.rows["day_of_month"].tolist() == [day]
    assert index.rows["day"].tolist() == [1 if day else 0]


def test_norms_of_a_few_items_are_exact_after_every_change() -> None:
    index = index_of("parrot train", "parrot")
    index.passages.norms()
    index.add(2, NAMESPACE, message("train", position=2))
    assert (
        index.passages.norms().tolist()
        == index_of("parrot train", "parrot", "train").passages.norms().tolist()
    )


def test_norms_of_many_items_wait_until_a_fifth_has_changed() -> None:
    index = index_of(*["parrot train"] * (2 * FEW_PASSAGES))
    before = index.passages.norms()[0]
    for number in range(2 * FEW_PASSAGES, 3 * FEW_PASSAGES):
        index.add(number, NAMESPACE, message("train"))
        if number == 2 * FEW_PASSAGES + 50:
            assert index.passages.norms()[0] == before
    assert index.passages.norms()[0] != before


LONG = "\n\n".join(
    f"The {animal} sleeps in the barn. " * 12 for animal in ("goat", "heron", "otter")
)


def test_a_long_text_has_several_passages_and_one_row() -> None:
    index = index_of("parrot", LONG, "train")
    assert index.size == 3
    first, count = (index.rows[name].tolist() for name in ("first", "passages"))
    assert first == [0, 1, 1 + count[1]]
    assert count[0] == count[2] == 1 < count[1]
    assert index.passages.columns["item"].tolist() == [0, *[1] * count[1], 2]


def test_no_passage_survives_its_message() -> None:
    index = index_of("parrot", LONG)
    index.remove(1)
    assert index.passages.alive == 1
    assert evidence_of("otter", index).bm25.tolist() == [0, 0, 0]
    words = ("otter", "barn", "parrot")
    ids = np.array([index.passages.vocabulary.lookup(word) for word in words])
    assert index.passages.vocabulary.frequencies(ids).tolist() == [0, 0, 1]
