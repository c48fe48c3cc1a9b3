"""What a search needs of the full-text index of a database."""

from collections.abc import Sequence
from typing import Protocol

from langgraph.store.base import Item

from threadkeep.search.text_matches import BigramMatch, Hit


class TextIndex(Protocol):
    """The full-text index of one database. A namespace includes all namespaces below it."""

    async def search(self, namespace: tuple[str, ...], query: str, limit: int, /) -> list[Hit]:
        """Return the best items of a namespace that share a content word with the query."""

    async def bigram_matches(
        self, namespace: tuple[str, ...], bigrams: Sequence[str], /
    ) -> list[BigramMatch]:
        """Return which bigrams the texts of a namespace contain; this reads all texts."""

    async def items(
        self, namespace: tuple[str, ...], ids: Sequence[int], expiring: set[int] | None = None, /
    ) -> dict[int, Item]:
        """Return the items of a namespace that have not expired, by id.

        Add the ids of those that have a TTL to `expiring`.
        """
