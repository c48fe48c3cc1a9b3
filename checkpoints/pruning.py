"""`aprune`, for savers that lack it."""

from abc import abstractmethod
from collections.abc import Sequence


class Pruning:
    """Mixin that gives a saver `aprune`."""

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep the newest checkpoint of each namespace ("keep_latest"), or none ("delete").

        Raises:
            ValueError: the strategy is unknown.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"strategy {strategy!r} is neither 'keep_latest' nor 'delete'")
        for thread in thread_ids:
            await (self.adelete_thread if strategy == "delete" else self._keep_latest)(thread)

    @abstractmethod
    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread."""

    @abstractmethod
    async def _keep_latest(self, thread: str) -> None:
        """Delete all but the newest checkpoint of each namespace."""
