"""Memory indexes of a few messages, for tests of pure functions."""

from typing import Any

from threadkeep.search.evidence import Evidence
from threadkeep.search.memory_index import MemoryIndex
from threadkeep.search.questions import analyse

NAMESPACE = "ada.messages.t1"


def message(text: str, **fields: Any) -> dict[str, Any]:
    return {"text": text, "role": "user", **fields}


def index_of(*messages: str | dict[str, Any]) -> MemoryIndex:
    """Return an index of one thread whose items and rows have the numbers 0, 1, 2 and so on."""
    index = MemoryIndex()
    for number, value in enumerate(messages):
        fields = message(value) if isinstance(value, str) else value
        index.add(number, NAMESPACE, {"position": number, **fields})
    return index


def evidence_of(query: str, index: MemoryIndex) -> Evidence:
    return Evidence(index, analyse(query, index.speakers))
