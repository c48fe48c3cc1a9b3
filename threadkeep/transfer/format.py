"""The format of an export: one JSON object a line, from a header to an end that seals it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from threadkeep.base.validation import sanitise_text

SCHEMA = "threadkeep-export"
VERSION = 2
"""2 has corrections and pins; 1 is still read."""
HEADER, END = "header", "end"

KINDS = {
    "threads": "thread",
    "messages": "message",
    "abandoned": "abandoned",
    "notes": "note",
    "entities": "entity",
    "facts": "fact",
    "usage": "usage",
    "corrections": "correction",
    "pinned": "pin",
}
"""Each label below a user's key, and what a line calls an item there; another label is "item"."""
OF_THREAD = ("messages", "abandoned", "notes")
"""Labels that stand before a thread's id."""
PASSING = frozenset({"open"})
"""Labels of what passes with a running process; they are not exported."""
DERIVED = frozenset({"entity", "fact"})
"""Kinds that are made of the notes; they are there to be read, and made again by an import."""
STATE = "state"
ITEM = "item"


class Seal:
    """Counts and digests lines as they go by, for the end that tells a whole file from a part."""

    def __init__(self) -> None:
        self.records = 0
        self._digest = sha256()

    def add(self, raw: bytes) -> None:
        """Take in one line with its end."""
        self.records += 1
        self._digest.update(raw)

    @property
    def hexdigest(self) -> str:
        """SHA-256 of all lines until now."""
        return self._digest.hexdigest()


def line_of(record: Mapping[str, Any]) -> str:
    """Return a record as one line of strict JSON, with its end."""
    # A checkpoint may hold what UTF-8 cannot write down; items never do.
    return (
        sanitise_text(json.dumps(record, ensure_ascii=False, allow_nan=False, default=str)) + "\n"
    )
