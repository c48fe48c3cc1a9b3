"""The export format: one JSON object a line, from a header to an end record with a checksum."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from threadkeep.base.validation import sanitise_text

SCHEMA = "threadkeep-export"
VERSION = 4
"""Version 2 adds corrections and pins, 3 pictures and files, 4 merges and splits of entities; older
ones are still read."""
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
    "identities": "identity",
    "pinned": "pin",
    "blobs": "blob",
    "blob_uses": "blob_use",
}
"""The kind of record for each label below an owner; items of other labels are kind "item"."""
THREAD_LABELS = ("messages", "abandoned", "notes", "blob_uses")
"""Labels that a thread's id follows in a namespace."""
TRANSIENT_LABELS = frozenset({"open", "aliases"})
"""Labels of items that belong to a running process, or are made from others; they are not
exported."""
DERIVED_KINDS = frozenset({"entity", "fact"})
"""Kinds that are made from notes; an import makes them again instead of storing them."""
STATE = "state"
ITEM = "item"
THREAD_KINDS = ("message", "abandoned", "note", "blob_use", STATE)
"""Kinds of records that name the thread they belong to."""


class Checksum:
    """Counts and digests lines, so that an incomplete or changed file is noticed."""

    def __init__(self) -> None:
        self.records = 0
        self._digest = sha256()

    def add(self, line: bytes) -> None:
        """Add one line with its line end."""
        self.records += 1
        self._digest.update(line)

    @property
    def hexdigest(self) -> str:
        """SHA-256 of all lines until now."""
        return self._digest.hexdigest()


def format_record(record: Mapping[str, Any]) -> str:
    """Return a record as one line of strict JSON with its line end."""
    # A checkpoint may hold text that UTF-8 cannot encode; items never do.
    line = json.dumps(record, ensure_ascii=False, allow_nan=False, default=str)
    return sanitise_text(line) + "\n"
