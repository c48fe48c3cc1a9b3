"""A growing table of numbers, stored by column: a query reads only the columns it needs."""

from collections.abc import Mapping

import numpy as np

INITIAL_CAPACITY = 64


class Columns:
    """Named columns of numbers, all of the same length."""

    def __init__(self, dtypes: Mapping[str, str]) -> None:
        self.size = 0
        self._capacity = INITIAL_CAPACITY
        self._columns = {name: np.zeros(self._capacity, dtype) for name, dtype in dtypes.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one column, as a writable view."""
        return self._columns[name][: self.size]

    def add(self) -> int:
        """Add a row of zeros; return its number."""
        if self.size == self._capacity:
            self._capacity *= 2
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros_like(column)])
        self.size += 1
        return self.size - 1

    def set(self, row: int, **values: float) -> None:
        """Set columns of one row."""
        for name, value in values.items():
            self._columns[name][row] = value

    def select(self, rows: np.ndarray) -> "SelectedRows":
        """Return these rows; a column is copied when it is read."""
        return SelectedRows(self, rows)


class SelectedRows:
    """Some rows of `Columns`."""

    def __init__(self, columns: Columns, rows: np.ndarray) -> None:
        self._columns, self._rows = columns, rows

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one column of these rows."""
        return np.asarray(self._columns[name][self._rows])
