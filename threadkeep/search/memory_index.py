"""One user's searchable items in memory: the words of each, and what ranking asks about them."""

from array import array
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from threadkeep.search.columns import Columns
from threadkeep.search.questions import names_something, speaker_of
from threadkeep.search.time_words import tells_number, tells_time
from threadkeep.search.vocabulary import Vocabulary
from threadkeep.search.words import QUESTION_WORDS, words_of

COLUMNS = {
    "number": "i8",
    "space": "i4",
    "alive": "?",
    "day": "i4",  # a number per day, 0 for items without a time
    "year": "i2",
    "month": "i1",
    "of_month": "i1",
    "speaker": "i4",
    "when": "?",
    "many": "?",
    "number_told": "?",
    "named": "?",
    "question": "?",
    "before": "i4",  # the row of the message before it in its thread, or -1
    "after": "i4",
    "start": "i4",  # where its words begin in `tokens`
    "length": "i4",
    "norm": "f4",  # of the sum of its words' vectors; 0 until somebody asked
}
CHUNK = 128
LEAST_NORM = 1e-3
FEW = 200


class MemoryIndex:
    """Rows for a user's items, and for every stem the rows in which it stands.

    Rows are never reused; a dropped one is not alive.
    """

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self.rows = Columns(COLUMNS)
        self.alive = 0
        self._changed = 0
        self.spaces: dict[str, int] = {}
        self.speakers: dict[str, int] = {}
        self.days: dict[int, int] = {0: 0}
        self.rows_of: dict[int, int] = {}
        self._tokens = array("i")
        self._postings: list[tuple[array[int], array[int]]] = []
        self._placed: dict[tuple[int, int], int] = {}
        self._place_of: dict[int, tuple[int, int]] = {}

    @property
    def size(self) -> int:
        """How many rows there are, dead ones too."""
        return self.rows.size

    @property
    def tokens(self) -> np.ndarray:
        """The stems of all rows in their order, by number."""
        return np.frombuffer(self._tokens, dtype=np.int32)

    def posting(self, stem: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows in which a stem stands, and how often."""
        rows, counts = self._postings[stem] if stem >= 0 else (array("i"), array("i"))
        return np.array(rows, dtype=np.int32), np.array(counts, dtype=np.float32)

    def below(self, prefix: str) -> np.ndarray:
        """Return for every row whether it is alive and lies in or below a namespace."""
        inside = [f"{space}.".startswith(f"{prefix}.") for space in self.spaces]
        return np.asarray(np.array(inside, dtype=bool)[self.rows["space"]] & self.rows["alive"])

    def rarities(self, stems: np.ndarray) -> np.ndarray:
        """Return how much known stems tell: their rarity here, and their weight anywhere."""
        return np.asarray(self.inverse_frequencies(stems) * self.vocabulary.weights()[stems])

    def inverse_frequencies(self, stems: np.ndarray) -> np.ndarray:
        """Return the inverse document frequency of stems: log(1 + (N - n + 0.5) / (n + 0.5))."""
        found = np.minimum(self.vocabulary.frequencies(stems), self.alive)
        rarities = np.log(1 + (self.alive - found + 0.5) / (found + 0.5))
        return np.asarray(rarities, dtype=np.float32)

    def norms(self) -> np.ndarray:
        """Return the lengths of all rows' vectors: of their words' vectors, weighted by rarity.

        Each is kept until a fifth of the items has changed, and with them what is rare; of a
        few items until one has.
        """
        norms = self.rows["norm"]
        if self._changed > (self.alive / 5 if self.alive > FEW else 0):
            norms[:] = 0
            self._changed = 0
        wanted = np.flatnonzero((norms == 0) & (self.rows["length"] > 0))
        for at in range(0, len(wanted), CHUNK):
            some = wanted[at : at + CHUNK]
            stems, begins = self.stems_of(some)
            vectors = self.vocabulary.vectors()[stems] * self.rarities(stems)[:, None]
            sums = np.add.reduceat(vectors, begins, axis=0)
            norms[some] = np.maximum(LEAST_NORM, np.linalg.norm(sums, axis=1))
        return norms

    def stems_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the stems of rows, one row after the other, and where each row begins."""
        starts, lengths = self.rows["start"][rows], self.rows["length"][rows]
        begins = np.cumsum(lengths, dtype=np.int32) - lengths
        places = np.arange(lengths.sum(), dtype=np.int32) + np.repeat(starts - begins, lengths)
        return self.tokens[places], begins

    def put(self, number: int, prefix: str, value: Mapping[str, Any]) -> None:
        """Add an item; one of the same number is there already and stays as it is."""
        if number in self.rows_of:
            return
        row = self.rows_of[number] = self.rows.add()
        self.alive += 1
        self._changed += 1
        text = str(value.get("text") or "")
        words = words_of(text)
        self._put_words(row, words)
        space = self.spaces.setdefault(prefix, len(self.spaces))
        self.rows.put(
            row,
            number=number,
            space=space,
            alive=True,
            speaker=self.speakers.setdefault(speaker_of(value), len(self.speakers)),
            when=tells_time(words),
            many=tells_number(words),
            number_told=any(map(str.isdigit, words)),
            named=names_something(text),
            question="?" in text,
        )
        self._put_day(row, str(value.get("time") or ""))
        self._put_place(row, space, value.get("position"))

    def drop(self, number: int) -> None:
        """Take an item out; one that is not there is no error."""
        row = self.rows_of.pop(number, None)
        if row is None:
            return
        self.rows.put(row, alive=False)
        self.alive -= 1
        self._changed += 1
        self._unlink(row)
        stems, _ = self.stems_of(np.array([row]))
        self.vocabulary.count(np.unique(stems).tolist(), -1)

    def _put_words(self, row: int, words: list[str]) -> None:
        # Half of all words carry no subject; without them everything is half as large and fast.
        told = [word for word in words if word not in QUESTION_WORDS] or words
        numbers = self.vocabulary.numbers(told)
        while len(self._postings) < len(self.vocabulary):
            self._postings.append((array("i"), array("i")))
        self.rows.put(row, start=len(self._tokens), length=len(numbers))
        self._tokens.extend(numbers)
        counts = Counter(numbers)
        for each, count in counts.items():
            rows, times = self._postings[each]
            rows.append(row)
            times.append(count)
        self.vocabulary.count(counts, 1)

    def _put_day(self, row: int, time: str) -> None:
        try:
            day = date.fromisoformat(time[:10])
        except ValueError:
            return
        number = self.days.setdefault(day.toordinal(), len(self.days))
        self.rows.put(row, year=day.year, month=day.month, of_month=day.day, day=number)

    def _put_place(self, row: int, space: int, position: object) -> None:
        """Link the row with its neighbours in the thread."""
        self.rows.put(row, before=-1, after=-1)
        if not isinstance(position, int):
            return
        self._placed[space, position] = row
        self._place_of[row] = (space, position)
        before, after = (self._placed.get((space, position + step), -1) for step in (-1, 1))
        self.rows.put(row, before=before, after=after)
        if before >= 0:
            self.rows.put(before, after=row)
        if after >= 0:
            self.rows.put(after, before=row)

    def _unlink(self, row: int) -> None:
        """Part the row from its neighbours, unless another has taken its place."""
        before, after = self.rows["before"][row], self.rows["after"][row]
        if before >= 0 and self.rows["after"][before] == row:
            self.rows.put(before, after=-1)
        if after >= 0 and self.rows["before"][after] == row:
            self.rows.put(after, before=-1)
        place = self._place_of.pop(row, None)
        if place is not None and self._placed.get(place) == row:
            del self._placed[place]
