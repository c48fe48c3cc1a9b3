"""A table of columns grows row by row and keeps its values."""

import numpy as np

from threadkeep.search.columns import INITIAL_CAPACITY, Columns


def test_values_stay_when_the_table_grows() -> None:
    columns = Columns({"number": "i8", "alive": "?"})
    count = 3 * INITIAL_CAPACITY
    for number in range(count):
        assert columns.add() == number
        columns.set(number, number=number, alive=number % 2)
    assert columns["number"].tolist() == list(range(count))
    assert columns["alive"].tolist() == [number % 2 == 1 for number in range(count)]


def test_a_new_row_is_zero() -> None:
    columns = Columns({"number": "i8"})
    columns.add()
    assert columns["number"].tolist() == [0]


def test_a_column_can_be_written() -> None:
    columns = Columns({"norm": "f4"})
    columns.add()
    columns["norm"][:] = 2
    assert columns["norm"].tolist() == [2]


def test_selected_rows_have_the_requested_order() -> None:
    columns = Columns({"number": "i8"})
    for number in range(5):
        columns.set(columns.add(), number=10 * number)
    assert columns.select(np.array([3, 1, 3]))["number"].tolist() == [30, 10, 30]
