"""One user's searchable items in memory: their passages, and the properties that ranking uses."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from threadkeep.search.columns import Columns
from threadkeep.search.passage_index import PassageIndex
from threadkeep.search.passages import split_passages
from threadkeep.search.questions import has_proper_name, is_bare_question, role_of, speaker_of
from threadkeep.search.time_words import mentions_quantity, mentions_time
from threadkeep.search.words import words_of

COLUMNS = {
    "number": "i8",  # of the item
    "namespace": "i4",
    "alive": "?",
    "day": "i4",  # an id per day, 0 for items without a time
    "year": "i2",
    "month": "i1",
    "day_of_month": "i1",
    "speaker": "i4",
    "role": "i1",  # see `ROLES`
    "mentions_time": "?",
    "mentions_quantity": "?",
    "has_digits": "?",
    "has_proper_name": "?",
    "has_question": "?",
    "is_question": "?",  # and states nothing
    "before": "i4",  # the row of the previous message in the thread, or -1
    "after": "i4",  # of the next message
    "first": "i4",  # its first passage; the others follow
    "passages": "i4",  # how many there are, at least one
}


class MemoryIndex:
    """A row for each of a user's items, and the passages of their texts.

    Rows are never reused; a removed row is not alive.
    """

    def __init__(self) -> None:
        self.passages = PassageIndex()
        self.rows = Columns(COLUMNS)
        self.alive = 0
        self.namespaces: dict[str, int] = {}
        self.speakers: dict[str, int] = {}
        self.days: dict[int, int] = {0: 0}
        self.row_of: dict[int, int] = {}
        self._row_at: dict[tuple[int, int], int] = {}
        self._position_of: dict[int, tuple[int, int]] = {}

    @property
    def size(self) -> int:
        """How many rows there are, including removed ones."""
        return self.rows.size

    def in_namespace(self, prefix: str) -> np.ndarray:
        """Return for every row whether it is alive and in a namespace or below it."""
        inside = [f"{namespace}.".startswith(f"{prefix}.") for namespace in self.namespaces]
        in_prefix = np.array(inside, dtype=bool)[self.rows["namespace"]]
        return np.asarray(in_prefix & self.rows["alive"])

    def add(self, number: int, prefix: str, value: Mapping[str, Any]) -> None:
        """Add an item; do nothing if its number is present already."""
        if number in self.row_of:
            return
        row = self.row_of[number] = self.rows.add()
        self.alive += 1
        text = str(value.get("text") or "")
        spans = split_passages(text)
        passages = [words_of(text[start:end]) for start, end in spans]
        words = [word for passage in passages for word in passage]
        namespace = self.namespaces.setdefault(prefix, len(self.namespaces))
        self.rows.set(
            row,
            number=number,
            namespace=namespace,
            alive=True,
            speaker=self.speakers.setdefault(speaker_of(value), len(self.speakers)),
            role=role_of(value),
            mentions_time=mentions_time(words),
            mentions_quantity=mentions_quantity(words),
            has_digits=any(map(str.isdigit, words)),
            has_proper_name=has_proper_name(text),
            has_question="?" in text or "？" in text,
            is_question=is_bare_question(text),
            first=self.passages.size,
            passages=len(spans),
        )
        for passage in passages:
            self.passages.add(row, passage)
        self._set_day(row, str(value.get("time") or ""))
        self._link(row, namespace, value.get("position"))

    def remove(self, number: int) -> None:
        """Remove an item; an unknown number is no error."""
        row = self.row_of.pop(number, None)
        if row is None:
            return
        self.rows.set(row, alive=False)
        self.alive -= 1
        self._unlink(row)
        self.passages.remove(int(self.rows["first"][row]), int(self.rows["passages"][row]))

    def _set_day(self, row: int, time: str) -> None:
        try:
            day = date.fromisoformat(time[:10])
        except ValueError:
            return
        day_id = self.days.setdefault(day.toordinal(), len(self.days))
        self.rows.set(row, year=day.year, month=day.month, day_of_month=day.day, day=day_id)

    def _link(self, row: int, namespace: int, position: object) -> None:
        """Link the row with its neighbours in the thread."""
        self.rows.set(row, before=-1, after=-1)
        if not isinstance(position, int):
            return
        self._row_at[namespace, position] = row
        self._position_of[row] = (namespace, position)
        before, after = (self._row_at.get((namespace, position + step), -1) for step in (-1, 1))
        self.rows.set(row, before=before, after=after)
        if before >= 0:
            self.rows.set(before, after=row)
        if after >= 0:
            self.rows.set(after, before=row)

    def _unlink(self, row: int) -> None:
        """Unlink the row from its neighbours, unless another row has replaced it there."""
        before, after = self.rows["before"][row], self.rows["after"][row]
        if before >= 0 and self.rows["after"][before] == row:
            self.rows.set(before, after=-1)
        if after >= 0 and self.rows["before"][after] == row:
            self.rows.set(after, before=-1)
        position = self._position_of.pop(row, None)
        if position is not None and self._row_at.get(position) == row:
            del self._row_at[position]
