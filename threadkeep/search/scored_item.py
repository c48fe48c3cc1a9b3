"""What a search found, with what spoke for it."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import Item, SearchItem


class FoundItem(SearchItem):
    """LangGraph's search item, and what each part added to its score (see search/ranking.py)."""

    __slots__ = ("parts",)

    def __init__(self, item: Item, score: float, parts: Mapping[str, float]) -> None:
        told: dict[str, Any] = {
            "namespace": item.namespace,
            "key": item.key,
            "value": item.value,
            "created_at": item.created_at,
            "updated_at": item.updated_at,
        }
        super().__init__(**told, score=score)
        self.parts = dict(parts)
