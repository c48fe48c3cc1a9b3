"""The graph of one request: runs and edits lock their thread, as a turn in the terminal does."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph_sdk.runtime import ServerRuntime

from threadkeep.base.errors import ThreadkeepError
from threadkeep.base.user import USER_KEY, acting_user
from threadkeep.graph.agent import graph
from threadkeep.graph.context import Context
from threadkeep.graph.thread_graph import CompiledThreadGraph
from threadkeep.open_turn import OpenTurn, Thread, open_turn
from threadkeep.process import freeze_loaded_objects
from threadkeep.prompt.runtime import thread_name
from threadkeep.server.dev.shared_memory import current_memory

Graph = CompiledStateGraph[Any, Any, Any, Any]
RUN, EDIT = "threads.create_run", "threads.update"
"""Access contexts that write to a thread."""
USER_DESCRIPTION = "Your user id; the server knows it, leave it empty."

# LangGraph offers no public names for these; tests/server/dev/test_langgraph_names.py checks them.
CHECKPOINTER = "__pregel_checkpointer"
"""Key in `configurable` of a run that has a thread of its own."""
STOP_ERRORS = ("UserInterrupt", "UserRollback")
"""Names of the errors that LangGraph's server raises in a run that its user stops."""
SERVER_PACKAGES = ("langgraph", "langgraph_api", "langgraph_runtime_inmem", "asyncio")
"""Packages whose errors LangGraph's server answers itself."""

_turn: ContextVar[OpenTurn | None] = ContextVar("turn", default=None)
"""The turn of the current run: a run that loses its lock is stopped."""


class ServerGraph(CompiledThreadGraph):
    """The graph, whose runs stop when they lose the lock of their thread."""

    async def astream(self, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Stream a run; a retry whose messages are stored already continues the first attempt."""
        turn = _turn.get()
        if turn is not None and not turn.has_begun:
            input = await turn.begin(input, goes_on=not _checkpoint_in(config))  # noqa: A001
        async for event in super().astream(input, config, **kwargs):
            if turn is not None:
                turn.lock.check()
            yield event

    def get_context_jsonschema(self) -> dict[str, Any] | None:
        """Return the schema of the context, with an optional user id."""
        schema = super().get_context_jsonschema()
        if schema is None:
            return None
        user = {**schema["properties"][USER_KEY], "default": "", "description": USER_DESCRIPTION}
        user.pop("minLength", None)
        required = [name for name in schema.get("required", ()) if name != USER_KEY]
        return {**schema, "required": required} | {
            "properties": {**schema["properties"], USER_KEY: user}
        }


server_graph = ServerGraph(**vars(graph))


@asynccontextmanager
async def open_graph(config: RunnableConfig, runtime: ServerRuntime[Any]) -> AsyncIterator[Graph]:
    """Yield the graph; for a run or an edit with the thread locked.

    Raises:
        ThreadBusy: the terminal or another server holds the thread for too long.
    """
    if runtime.access_context == RUN:
        with client_errors():
            async with _open_run(config, runtime) as run_graph:
                yield run_graph
    elif runtime.access_context == EDIT:
        memory, thread_id = current_memory(), str(config["configurable"]["thread_id"])
        async with memory.opened.locks.acquire(thread_id, thread_id):
            yield server_graph
    else:
        yield server_graph


@asynccontextmanager
async def _open_run(config: RunnableConfig, runtime: ServerRuntime[Any]) -> AsyncIterator[Graph]:
    # A run without a thread of its own has no checkpointer, so a crash leaves nothing to finish.
    if CHECKPOINTER not in config["configurable"]:
        yield server_graph
        return
    memory, user_id = current_memory(), acting_user(config)
    thread_id = str(config["configurable"]["thread_id"])
    name = thread_name(config) or thread_id
    run = runtime.execution_runtime
    context = Context.model_validate({**((run and run.context) or {}), "user_id": user_id})
    # Metadata may hold a name that belongs to another id.
    is_own = (await memory.thread(name, user_id=user_id)).id == thread_id
    thread = Thread(id=thread_id, name=name if is_own else thread_id, user_id=user_id)
    async with open_turn(memory.opened, memory.graph, context, thread, is_stop=_is_stop) as turn:
        _turn.set(turn)
        yield server_graph
    freeze_loaded_objects(again=memory.opened.store.opened)


def _checkpoint_in(config: Any) -> str:
    """Return the checkpoint that a run goes on from, "" for the newest."""
    return str(((config or {}).get("configurable") or {}).get("checkpoint_id") or "")


def _is_stop(error: BaseException) -> bool:
    """Return whether the user stopped the run; a server that stops only cancels it."""
    return type(error).__name__ in STOP_ERRORS


@contextmanager
def client_errors() -> Iterator[None]:
    """Turn errors into ones that LangGraph's server sends to the client as one sentence.

    Raises:
        RuntimeError: of a subclass with the name of the first error's class.
    """
    try:
        yield
    except ThreadkeepError as error:
        raise _renamed_error(type(error).__name__, str(error)) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in SERVER_PACKAGES:
            raise
        kind = type(error).__name__
        sentence = f"Something went wrong inside ({kind}); the server's log has the details."
        raise _renamed_error("InternalError", sentence) from error


def _renamed_error(name: str, message: str) -> RuntimeError:
    error: RuntimeError = type(name, (RuntimeError,), {})(message)
    return error
