"""The graph of one request: runs and edits lock their thread, as a turn in the terminal does."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from langchain_core.messages import convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import InvalidUpdateError
from langgraph.graph.state import CompiledStateGraph
from langgraph_sdk.runtime import ServerRuntime

from threadkeep.base.errors import ThreadkeepError
from threadkeep.base.user import USER_KEY, acting_user
from threadkeep.checkpoints.locks import ThreadLock
from threadkeep.graph.agent import BOOKKEEPING, graph
from threadkeep.graph.context import Context
from threadkeep.process import freeze_loaded_objects
from threadkeep.prompt.runtime import thread_name
from threadkeep.server.shared_memory import current_memory
from threadkeep.turn import Thread, open_turn

Graph = CompiledStateGraph[Any, Any, Any, Any]
RUN, EDIT = "threads.create_run", "threads.update"
SAVER = "__pregel_checkpointer"
USER_DESCRIPTION = "Your user id; the server knows it, leave it empty."
STOPPED = ("UserInterrupt", "UserRollback")
"""Names of what LangGraph's server raises in a run that its user stops."""
_lock: ContextVar[ThreadLock | None] = ContextVar("lock", default=None)
"""The lock of the current run: a run that loses it is stopped."""
LANGGRAPH_PACKAGES = ("langgraph", "langgraph_api", "langgraph_runtime_inmem", "asyncio")
"""Packages whose errors LangGraph's server answers by itself."""


class Served(CompiledStateGraph[Any, Any, Any, Any]):
    """The graph, for runs that are retried and edits that name no node."""

    async def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Stream a run; a retry whose messages are stored already goes on where it was cut off."""
        if await self._holds(input, config):
            input = None  # noqa: A001
        lock = _lock.get()
        async for event in super().astream(input, config, **kwargs):
            if lock is not None:
                lock.check()
            yield event

    async def aupdate_state(
        self,
        config: RunnableConfig,
        values: dict[str, Any] | Any,
        as_node: str | None = None,
        task_id: str | None = None,
    ) -> RunnableConfig:
        """Change the state; after a turn as the node that ends it, unless one is named."""
        try:
            return await super().aupdate_state(config, values, as_node, task_id)
        except InvalidUpdateError:
            if as_node is not None:
                raise
            return await super().aupdate_state(config, values, BOOKKEEPING[0], task_id)

    def get_context_jsonschema(self) -> dict[str, Any] | None:
        """Return the schema of the context, in which the user id may be left out."""
        schema = super().get_context_jsonschema()
        if schema is None:
            return None
        user = {**schema["properties"][USER_KEY], "default": "", "description": USER_DESCRIPTION}
        user.pop("minLength", None)
        required = [name for name in schema.get("required", ()) if name != USER_KEY]
        return {**schema, "required": required} | {
            "properties": {**schema["properties"], USER_KEY: user}
        }

    async def _holds(self, value: Any, config: RunnableConfig) -> bool:
        """Return whether the state has these messages, word for word."""
        messages = value.get("messages") if isinstance(value, Mapping) else None
        if not messages or not isinstance(self.checkpointer, BaseCheckpointSaver):
            return False
        checkpoint = await self.checkpointer.aget_tuple(config)
        messages_before = (
            checkpoint.checkpoint["channel_values"].get("messages") if checkpoint else None
        )
        texts = {message.id: message.content for message in messages_before or ()}
        return all(texts.get(m.id) == m.content for m in convert_to_messages(messages))


served = Served(**vars(graph))


@asynccontextmanager
async def open_graph(config: RunnableConfig, runtime: ServerRuntime[Any]) -> AsyncIterator[Graph]:
    """Yield the graph; for a run or an edit with the thread locked.

    Raises:
        ThreadBusy: the terminal or another server holds the thread for too long.
    """
    if runtime.access_context == RUN:
        with client_errors():
            async with _run(config, runtime) as opened:
                yield opened
    elif runtime.access_context == EDIT:
        memory, thread = current_memory(), str(config["configurable"]["thread_id"])
        async with memory.opened.locks.acquire(thread, thread):
            yield served
    else:
        yield served


@asynccontextmanager
async def _run(config: RunnableConfig, runtime: ServerRuntime[Any]) -> AsyncIterator[Graph]:
    # A run without a thread of its own has no checkpointer, and nothing that could be cut off.
    if SAVER not in config["configurable"]:
        yield served
        return
    memory, user = current_memory(), acting_user(config)
    thread_id = str(config["configurable"]["thread_id"])
    name = thread_name(config) or thread_id
    run = runtime.execution_runtime
    context = Context.model_validate({**((run and run.context) or {}), "user_id": user})
    own = await memory.thread(name, user_id=user)
    # A name that makes another id is metadata of the client's own.
    thread = Thread(id=thread_id, name=name if own.id == thread_id else thread_id, user_id=user)
    async with open_turn(memory.opened, memory.graph, context, thread, is_stop=_is_stop) as lock:
        _lock.set(lock)
        yield served
    freeze_loaded_objects(again=memory.opened.store.opened)


def _is_stop(error: BaseException) -> bool:
    """Tell whether the user stopped the run; a server that stops only cancels it."""
    return type(error).__name__ in STOPPED


@contextmanager
def client_errors() -> Iterator[None]:
    """Turn errors into ones that LangGraph's server sends to the client as one sentence.

    Raises:
        RuntimeError: with the name of what was raised.
    """
    try:
        yield
    except ThreadkeepError as error:
        raise _error_named(type(error).__name__, str(error)) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in LANGGRAPH_PACKAGES:
            raise
        kind = type(error).__name__
        raise _error_named(
            "InternalError", f"Something went wrong inside ({kind}); the server's log says what."
        ) from error


def _error_named(name: str, message: str) -> RuntimeError:
    error: RuntimeError = type(name, (RuntimeError,), {})(message)
    return error
