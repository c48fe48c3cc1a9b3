"""Search bytes for many strings at once, in every encoding that stores write."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Set
from pathlib import Path

SHORTEST_FORM = 4
"""Bytes; a shorter form matches by chance and is not searched for."""
PREFIX = 32
"""Bytes of a form that are compared; the rest is not needed to recognise it."""
CHUNK = 1 << 18
"""Bytes searched at once; it bounds the list of matches of repetitive data."""
BATCH = 4 << 20
"""Bytes of texts that are joined for one search."""
SEPARATOR = b"\0\1\0\1"
"""Joins texts; no form holds it."""


class StringMatcher:
    """Finds which of many strings occur in bytes: as UTF-8, JSON escapes or UTF-16."""

    def __init__(self, strings: Iterable[str]) -> None:
        # Imported only where something is erased.
        from ahocorasick_rs import BytesAhoCorasick

        self.strings = list(dict.fromkeys(strings))
        self._ignored: set[int] = set()
        numbers: dict[bytes, list[int]] = {}
        for number, string in enumerate(self.strings):
            for form in encoded_forms(string):
                if len(form) >= SHORTEST_FORM:
                    numbers.setdefault(form[:PREFIX], []).append(number)
        self._numbers = list(numbers.values())
        self._automaton = BytesAhoCorasick(numbers)

    @property
    def count(self) -> int:
        """How many strings are searched for."""
        return len(self.strings) - len(self._ignored)

    def ignore(self, numbers: Set[int]) -> None:
        """Stop searching for the strings with these numbers."""
        self._ignored |= numbers

    def search(self, data: bytes) -> set[int]:
        """Return the numbers of the strings in `data`."""
        matches: set[int] = set()
        view = memoryview(data)
        for start in range(0, len(data), CHUNK):
            window = view[start : start + CHUNK + PREFIX - 1]
            matches |= {
                form for form, _, _ in self._automaton.find_matches_as_indexes(window, True)
            }
        return {number for form in matches for number in self._numbers[form]} - self._ignored

    def search_texts(self, texts: Iterable[bytes]) -> set[int]:
        """Return the numbers of the strings in any of the texts, none across two of them."""
        return self.search(SEPARATOR.join(texts))

    async def search_stream(self, texts: AsyncIterator[bytes]) -> set[int]:
        """Return the numbers of the strings in any of the texts, however many there are."""
        matches: set[int] = set()
        batch: list[bytes] = []
        size = 0
        async for text in texts:
            batch.append(text)
            size += len(text)
            if size >= BATCH:
                matches |= await asyncio.to_thread(self.search_texts, batch)
                batch, size = [], 0
        return matches | await asyncio.to_thread(self.search_texts, batch)

    def search_file(self, path: Path) -> set[int]:
        """Return the numbers of the strings in a file."""
        matches: set[int] = set()
        with path.open("rb") as file:
            tail = b""
            while chunk := file.read(CHUNK):
                matches |= self.search(tail + chunk)
                tail = (tail + chunk)[1 - PREFIX :]
        return matches


def encoded_forms(string: str) -> Iterator[bytes]:
    """Yield the byte sequences that a string may be written as."""
    plain = string.encode("utf-8", "replace")
    ascii_json = json.dumps(string)[1:-1].encode()
    utf8_json = json.dumps(string, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
    yield from dict.fromkeys([plain, ascii_json, utf8_json])
    # Without the last zero byte it matches in both byte orders.
    yield string.encode("utf-16-le", "replace")[:-1]
