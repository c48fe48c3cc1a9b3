"""The rows that a database lists become the changes of one user's items."""

from typing import Any

from threadkeep.search.changes import ReadPosition, read_changes

START = ReadPosition()


def test_added_items_come_the_oldest_first_and_move_the_position() -> None:
    rows: list[Any] = [
        (0, 7, None, None),
        (2, 12, "ada.facts", b'{"text": "b"}', None),
        (2, 3, "ada.notes", {"title": "c"}, "c"),
    ]
    changes = read_changes(rows, START)
    assert changes.added == [
        (3, "ada.notes", {"title": "c", "text": "c"}),
        (12, "ada.facts", {"text": "b"}),
    ]
    assert changes.position == ReadPosition(owner=7, item=12, deletion=0)
    assert not changes.reset


def test_deleted_items_move_the_position_to_the_end_of_the_log() -> None:
    since = ReadPosition(owner=7, item=12, deletion=4)
    changes = read_changes([(0, 7, "2", 6), (1, 5, "9", None), (1, 6, "10", None)], since)
    assert changes.deleted == [9, 10]
    assert changes.position == ReadPosition(owner=7, item=12, deletion=6)
    assert not changes.reset


def test_without_changes_the_position_stays() -> None:
    since = ReadPosition(owner=7, item=12, deletion=4)
    changes = read_changes([(0, 7, None, None)], since)
    assert (changes.position, changes.reset) == (since, False)


def test_an_index_is_reset_if_the_log_no_longer_holds_what_it_has_not_read() -> None:
    since = ReadPosition(owner=7, item=12, deletion=4)
    assert not read_changes([(0, 7, 5, 9)], since).reset
    assert read_changes([(0, 7, 6, 9)], since).reset


def test_an_index_is_reset_if_the_owner_was_erased_and_came_back() -> None:
    since = ReadPosition(owner=7, item=12)
    assert read_changes([(0, 8, None, None)], since).reset
    assert read_changes([(0, None, None, None)], since).reset


def test_an_index_that_has_read_nothing_is_never_reset() -> None:
    assert not read_changes([(0, 8, 100, 200)], START).reset
