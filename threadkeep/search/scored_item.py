"""An item that a search returns, with the parts of its score."""

from collections.abc import Mapping, Sequence

from langgraph.store.base import Item, SearchItem


class ScoredItem(SearchItem):
    """LangGraph's search item with the parts and passages of its score (see search/ranking.py)."""

    __slots__ = ("parts", "passages")

    def __init__(
        self,
        item: Item,
        score: float,
        parts: Mapping[str, float],
        passages: Sequence[int] = (),
    ) -> None:
        super().__init__(
            namespace=item.namespace,
            key=item.key,
            value=item.value,
            created_at=item.created_at,
            updated_at=item.updated_at,
            score=score,
        )
        self.parts = dict(parts)
        self.passages = tuple(passages)
