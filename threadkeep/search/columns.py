"""Rows that grow, kept column by column: what asks one thing of all rows reads only that."""

from collections.abc import Mapping

import numpy as np

ROOM = 64


class Columns:
    """Named columns of numbers."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.size = 0
        self._room = ROOM
        self._columns = {name: np.zeros(ROOM, dtype=kind) for name, kind in kinds.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one column, to be read and written."""
        return self._columns[name][: self.size]

    def add(self) -> int:
        """Add a row of zeros; return its number."""
        if self.size == self._room:
            self._room *= 2
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros_like(column)])
        self.size += 1
        return self.size - 1

    def put(self, row: int, **values: float) -> None:
        """Set columns of one row."""
        for name, value in values.items():
            self._columns[name][row] = value

    def at(self, rows: np.ndarray) -> "Selected":
        """Return these rows; each column is picked out when it is asked for."""
        return Selected(self, rows)


class Selected:
    """Some rows of `Columns`."""

    def __init__(self, columns: Columns, rows: np.ndarray) -> None:
        self._columns, self._rows = columns, rows

    def __getitem__(self, name: str) -> np.ndarray:
        """Return one column of these rows."""
        return np.asarray(self._columns[name][self._rows])
