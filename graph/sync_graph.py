"""The sync calls of the graph: they run in the event loop of its saver and store."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Self, TypeGuard, TypeVar

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot, StateUpdate

from threadkeep.base.sync_calls import iterate_on, loop_of, shared_loop, wait_on
from threadkeep.checkpoints.threaded_saver import ThreadedSaver

T = TypeVar("T")


class SyncGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """A graph of async nodes whose sync methods run the async ones, and wait.

    They run where saver and store were opened, or else in an event loop of their own, and are
    for other threads than that of the loop. A saver with sync methods alone is called by these.
    `invoke` and `batch` are LangGraph's, over `stream`.

    Raises:
        InvalidStateError: one is called on the event loop, which it would block for ever.
    """

    def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002
        """Yield what `astream` yields."""
        graph, config, loop = self._async_parts(config)
        yield from iterate_on(loop, lambda: graph.astream(input, config, **kwargs))

    def get_state(self, config: RunnableConfig, *, subgraphs: bool = False) -> StateSnapshot:
        """Call `aget_state`."""
        return self._wait(config, lambda graph, c: graph.aget_state(c, subgraphs=subgraphs))

    def get_state_history(self, config: RunnableConfig, **kwargs: Any) -> Iterator[StateSnapshot]:
        """Yield what `aget_state_history` yields."""
        graph, config, loop = self._async_parts(config)
        yield from iterate_on(loop, lambda: graph.aget_state_history(config, **kwargs))

    def update_state(
        self,
        config: RunnableConfig,
        values: Any,
        as_node: str | None = None,
        task_id: str | None = None,
    ) -> RunnableConfig:
        """Call `aupdate_state`."""
        return self._wait(config, lambda graph, c: graph.aupdate_state(c, values, as_node, task_id))

    def bulk_update_state(
        self, config: RunnableConfig, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Call `abulk_update_state`."""
        return self._wait(config, lambda graph, c: graph.abulk_update_state(c, supersteps))

    def _wait(
        self, config: Any, work: Callable[[Self, RunnableConfig], Coroutine[Any, Any, T]]
    ) -> T:
        graph, config, loop = self._async_parts(config)
        return wait_on(loop, lambda: work(graph, config))

    def _async_parts(self, config: Any) -> tuple[Self, Any, Any]:
        """Return the graph and config with async savers, and the loop that both belong to."""
        # Inside a run of another graph, saver and store are those of its config.
        fields = (ensure_config(config).get("configurable") or {}).items()
        stores = [getattr(value, "store", None) for _, value in fields]
        parts = (self.checkpointer, self.store, *(value for _, value in fields), *stores)
        savers = {name: ThreadedSaver(value) for name, value in fields if _is_sync_saver(value)}
        if savers:
            config = ensure_config(config)
            config = {**config, "configurable": {**config["configurable"], **savers}}
        graph, own = self, self.checkpointer
        if _is_sync_saver(own):
            graph = self.copy({"checkpointer": ThreadedSaver(own)})
        return graph, config, loop_of(*parts) or shared_loop()


def _is_sync_saver(value: Any) -> TypeGuard[BaseCheckpointSaver[Any]]:
    """Return whether a saver belongs to no event loop, and so is called from any thread."""
    return (
        isinstance(value, BaseCheckpointSaver)
        and loop_of(value) is None
        and type(value).get_tuple is not BaseCheckpointSaver.get_tuple
    )
