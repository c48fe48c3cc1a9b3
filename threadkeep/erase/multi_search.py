"""Many strings looked for at once in many bytes, however they are encoded there."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence, Set
from pathlib import Path

import numpy as np

SIZES = (32, 16, 8, 4)
SHORT = 4
"""Bytes of the window by which a string is known: the largest that is not longer than itself."""
SURE = 16
"""A window of so many bytes is taken for the string; a shorter one is compared in full."""
BITS = 22
CHUNK = 4 << 20
GAP = b"\0\1\0\1"
_MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)


class Needles:
    """Finds which of some strings stand in bytes: as UTF-8, as JSON, as UTF-16."""

    def __init__(self, strings: Iterable[str]) -> None:
        self.strings = list(dict.fromkeys(strings))
        self.longest = SIZES[0]
        self._shared: set[int] = set()
        told: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
        for number, string in enumerate(self.strings):
            for form in forms(string):
                size = next((size for size in SIZES if len(form) >= size), 0)
                if size:
                    self.longest = max(self.longest, len(form))
                    told[size].append((form, number))
        long = {size: known for size, known in told.items() if size > SHORT}
        self._sieves = [_Sieve(8, long)] if long else []
        self._sieves += [_Sieve(SHORT, {SHORT: told[SHORT]})] if SHORT in told else []

    @property
    def telling(self) -> int:
        """How many strings are looked for."""
        return len(self.strings) - len(self._shared)

    def ignore(self, numbers: Set[int]) -> None:
        """Look for some of the strings no longer."""
        self._shared |= numbers

    def find(self, data: bytes) -> set[int]:
        """Return the numbers of the strings that stand in `data`."""
        found: set[int] = set()
        for sieve in self._sieves:
            sieve.find(data, found)
        return found - self._shared

    def find_in(self, pieces: Iterable[bytes]) -> set[int]:
        """Return the numbers of the strings that stand in any of the pieces, none across two."""
        return self.find(GAP.join(pieces))

    async def find_among(self, pieces: AsyncIterator[bytes]) -> set[int]:
        """Return the numbers of the strings that stand in any of the pieces, however many."""
        found: set[int] = set()
        some: list[bytes] = []
        size = 0
        async for piece in pieces:
            some.append(piece)
            size += len(piece)
            if size >= CHUNK:
                found |= await asyncio.to_thread(self.find_in, some)
                some, size = [], 0
        return found | await asyncio.to_thread(self.find_in, some)

    def find_in_file(self, path: Path) -> set[int]:
        """Return the numbers of the strings that stand in a file."""
        found: set[int] = set()
        with path.open("rb") as file:
            tail = b""
            while chunk := file.read(CHUNK):
                found |= self.find(tail + chunk)
                tail = (tail + chunk)[-self.longest :]
        return found


class _Sieve:
    """Strings by the first `step` bytes of their windows, which few places pass."""

    def __init__(self, step: int, known: dict[int, list[tuple[bytes, int]]]) -> None:
        self._step = step
        self._known: dict[int, dict[int, list[tuple[bytes, int]]]] = {}
        self._table = np.zeros(1 << BITS, dtype=bool)
        self._keys = {}
        for size, told in known.items():
            begins = b"".join(form[:size] for form, _ in told)
            words = np.frombuffer(begins, f"<u{step}").astype(np.uint64).reshape(len(told), -1)
            self._table[_slots(words[:, 0])] = True
            keys = _mixed(list(words.T))
            self._keys[size] = np.unique(keys)
            named: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
            for key, each in zip(keys.tolist(), told, strict=True):
                named[key].append(each)
            self._known[size] = named

    def find(self, data: bytes, found: set[int]) -> None:
        """Add the numbers of the strings that stand in `data`."""
        for start in range(self._step):
            count = (len(data) - start) // self._step
            if count <= 0:
                return
            words = np.frombuffer(data, f"<u{self._step}", count, start)
            words = words.astype(np.uint64, copy=False)
            near = np.flatnonzero(self._table[_slots(words)])
            for size in self._known:
                last = count - size // self._step
                self._look(data, start, size, words, near[near <= last], found)

    def _look(
        self,
        data: bytes,
        start: int,
        size: int,
        words: np.ndarray,
        near: np.ndarray,
        found: set[int],
    ) -> None:
        values = _mixed([words[near + nth] for nth in range(size // self._step)])
        known = self._keys[size]
        places = np.minimum(np.searchsorted(known, values), len(known) - 1)
        sure = known[places] == values
        if size >= SURE:
            for value in np.unique(values[sure]).tolist():
                found.update(number for _, number in self._known[size][value])
            return
        for place, value in zip(near[sure].tolist(), values[sure].tolist(), strict=True):
            for form, number in self._known[size][value]:
                if number not in found and data.startswith(form, place * self._step + start):
                    found.add(number)


def forms(string: str) -> Iterator[bytes]:
    """Yield the bytes that a string may be written as."""
    plain = string.encode("utf-8", "replace")
    escaped = json.dumps(string)[1:-1].encode(), json.dumps(string, ensure_ascii=False)[1:-1]
    yield from dict.fromkeys([plain, escaped[0], escaped[1].encode("utf-8", "replace")])
    # Without its last zero it is found in either order of bytes.
    yield string.encode("utf-16-le", "replace")[:-1]


def _mixed(words: Sequence[np.ndarray]) -> np.ndarray:
    """Return one number for each window, of the words in it."""
    keys = words[0]
    for nth, more in enumerate(words[1:]):
        keys = (keys ^ (keys >> np.uint64(29))) * np.uint64(_MIX[0]) + more * np.uint64(_MIX[nth])
    return keys


def _slots(words: np.ndarray) -> np.ndarray:
    return np.asarray((words * np.uint64(_MIX[0])) >> np.uint64(64 - BITS))
