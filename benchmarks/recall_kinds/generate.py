"""Write generated conversations in LoCoMo's format: the same for a kind and a seed, always."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.recall_kinds.advice import advice
from benchmarks.recall_kinds.chats import chats
from benchmarks.recall_kinds.code import code
from benchmarks.recall_kinds.conversation import Conversation
from benchmarks.recall_kinds.documents import documents
from benchmarks.recall_kinds.notes import LANGUAGES, notes

CONVERSATIONS = 6
KINDS: Mapping[str, Callable[[int, Random], Conversation]] = {
    **{language: partial(notes, language) for language in LANGUAGES},
    "chats": chats,
    "advice": advice,
    "documents": documents,
    "code": code,
}


def write_kind(kind: str, folder: Path, seed: int = 1) -> Path:
    """Write the conversations of a kind to a file in a folder; return its path."""
    records = [
        KINDS[kind](number, Random(f"{seed} {kind} {number}")).record()
        for number in range(CONVERSATIONS)
    ]
    path = folder / f"{kind}.json"
    path.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
