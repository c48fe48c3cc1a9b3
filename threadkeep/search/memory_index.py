"""One user's searchable items in memory: their words, and the properties that ranking uses."""

from array import array
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from threadkeep.search.columns import Columns
from threadkeep.search.questions import has_proper_name, speaker_of
from threadkeep.search.time_words import mentions_quantity, mentions_time
from threadkeep.search.vocabulary import Vocabulary
from threadkeep.search.words import without_stop_words, words_of

COLUMNS = {
    "number": "i8",  # of the item
    "namespace": "i4",
    "alive": "?",
    "day": "i4",  # an id per day, 0 for items without a time
    "year": "i2",
    "month": "i1",
    "day_of_month": "i1",
    "speaker": "i4",
    "mentions_time": "?",
    "mentions_quantity": "?",
    "has_digits": "?",
    "has_proper_name": "?",
    "is_question": "?",
    "before": "i4",  # the row of the previous message in the thread, or -1
    "after": "i4",  # of the next message
    "start": "i4",  # where its words begin in `tokens`
    "length": "i4",  # how many words it has
    "norm": "f4",  # of the sum of its words' vectors; 0 until it is computed
}
NORM_BATCH = 128
MIN_NORM = 1e-3
FEW_ITEMS = 200
NO_WORDS = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)


class MemoryIndex:
    """A row for each of a user's items, and for every stem the rows that contain it.

    Rows are never reused; a removed row is not alive.
    """

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self.rows = Columns(COLUMNS)
        self.alive = 0
        self.namespaces: dict[str, int] = {}
        self.speakers: dict[str, int] = {}
        self.days: dict[int, int] = {0: 0}
        self.row_of: dict[int, int] = {}
        self._changed = 0
        self._tokens = array("i")
        self._postings: list[tuple[array[int], array[int]]] = []
        self._row_at: dict[tuple[int, int], int] = {}
        self._position_of: dict[int, tuple[int, int]] = {}

    @property
    def size(self) -> int:
        """How many rows there are, including removed ones."""
        return self.rows.size

    @property
    def tokens(self) -> np.ndarray:
        """The stem ids of all rows, in order."""
        return np.frombuffer(self._tokens, dtype=np.int32)

    def posting(self, stem_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that contain a stem, and how often each does."""
        if stem_id < 0:
            return NO_WORDS
        rows, counts = self._postings[stem_id]
        return np.array(rows, dtype=np.int32), np.array(counts, dtype=np.float32)

    def in_namespace(self, prefix: str) -> np.ndarray:
        """Return for every row whether it is alive and in a namespace or below it."""
        inside = [f"{namespace}.".startswith(f"{prefix}.") for namespace in self.namespaces]
        in_prefix = np.array(inside, dtype=bool)[self.rows["namespace"]]
        return np.asarray(in_prefix & self.rows["alive"])

    def term_weights(self, stem_ids: np.ndarray) -> np.ndarray:
        """Return the weights of stems in use: rarity among these items times `word_weight`."""
        return np.asarray(self.idf(stem_ids) * self.vocabulary.weights()[stem_ids])

    def idf(self, stem_ids: np.ndarray) -> np.ndarray:
        """Return the inverse document frequency of stems: log(1 + (N - n + 0.5) / (n + 0.5))."""
        frequencies = np.minimum(self.vocabulary.frequencies(stem_ids), self.alive)
        idf = np.log(1 + (self.alive - frequencies + 0.5) / (frequencies + 0.5))
        return np.asarray(idf, dtype=np.float32)

    def norms(self) -> np.ndarray:
        """Return the norms of all rows' vectors: of the weighted sums of their words' vectors.

        Term weights change with every item. The norms of many items are computed again when a
        fifth of the items has changed, those of a few items after every change.
        """
        norms = self.rows["norm"]
        if self._changed > (self.alive / 5 if self.alive > FEW_ITEMS else 0):
            norms[:] = 0
            self._changed = 0
        missing = np.flatnonzero((norms == 0) & (self.rows["length"] > 0))
        for start in range(0, len(missing), NORM_BATCH):
            batch = missing[start : start + NORM_BATCH]
            stem_ids, offsets = self.stems_of(batch)
            vectors = self.vocabulary.vectors()[stem_ids] * self.term_weights(stem_ids)[:, None]
            sums = np.add.reduceat(vectors, offsets, axis=0)
            norms[batch] = np.maximum(MIN_NORM, np.linalg.norm(sums, axis=1))
        return norms

    def stems_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the stem ids of rows, concatenated, and the offset of each row in them."""
        starts, lengths = self.rows["start"][rows], self.rows["length"][rows]
        offsets = np.cumsum(lengths, dtype=np.int32) - lengths
        indices = np.arange(lengths.sum(), dtype=np.int32) + np.repeat(starts - offsets, lengths)
        return self.tokens[indices], offsets

    def add(self, number: int, prefix: str, value: Mapping[str, Any]) -> None:
        """Add an item; do nothing if its number is present already."""
        if number in self.row_of:
            return
        row = self.row_of[number] = self.rows.add()
        self.alive += 1
        self._changed += 1
        text = str(value.get("text") or "")
        words = words_of(text)
        namespace = self.namespaces.setdefault(prefix, len(self.namespaces))
        self.rows.set(
            row,
            number=number,
            namespace=namespace,
            alive=True,
            speaker=self.speakers.setdefault(speaker_of(value), len(self.speakers)),
            mentions_time=mentions_time(words),
            mentions_quantity=mentions_quantity(words),
            has_digits=any(map(str.isdigit, words)),
            has_proper_name=has_proper_name(text),
            is_question="?" in text,
        )
        self._set_words(row, words)
        self._set_day(row, str(value.get("time") or ""))
        self._link(row, namespace, value.get("position"))

    def remove(self, number: int) -> None:
        """Remove an item; an unknown number is no error."""
        row = self.row_of.pop(number, None)
        if row is None:
            return
        self.rows.set(row, alive=False)
        self.alive -= 1
        self._changed += 1
        self._unlink(row)
        stem_ids, _ = self.stems_of(np.array([row]))
        self.vocabulary.change_frequencies(np.unique(stem_ids).tolist(), -1)

    def _set_words(self, row: int, words: list[str]) -> None:
        # Half of all words are stop words; without them the index is half as large and fast.
        stem_ids = self.vocabulary.ids(without_stop_words(words))
        while len(self._postings) < len(self.vocabulary):
            self._postings.append((array("i"), array("i")))
        self.rows.set(row, start=len(self._tokens), length=len(stem_ids))
        self._tokens.extend(stem_ids)
        occurrences = Counter(stem_ids)
        for stem_id, count in occurrences.items():
            rows, counts = self._postings[stem_id]
            rows.append(row)
            counts.append(count)
        self.vocabulary.change_frequencies(occurrences, 1)

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
