"""The graph of one request: a run and an edit hold their thread, as a turn in the terminal does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph_sdk.runtime import ServerRuntime

from checkpoints.savers import TURNS_KEPT
from checkpoints.threads import pending_nodes
from graph.agent import BOOKKEEPING, builder, graph
from graph.context import Context
from graph.user import USER_KEY, acting_as, acting_user
from nodes.store_turn import thread_name
from server.memory import Memory, apart, current_memory
from stores.namespaces import thread_id, user_key

Graph = CompiledStateGraph[Any, Any, Any, Any]
RUN, EDIT = "threads.create_run", "threads.update"
SAVER = "__pregel_checkpointer"
STOPPED = ("UserInterrupt", "UserRollback")
"""What the server raises in a run that its user stops."""


class Resumed(CompiledStateGraph[Any, Any, Any, Any]):
    """The graph for a run that is tried again: it goes on with what is saved."""

    def astream(self, input: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002
        """Stream the rest of the run."""
        return super().astream(None, *args, **kwargs)


@asynccontextmanager
async def open_graph(config: RunnableConfig, runtime: ServerRuntime[Any]) -> AsyncIterator[Graph]:
    """Yield the graph, for a run or an edit with its thread held.

    Raises:
        ThreadBusy: the terminal or another server is at the thread for too long.
    """
    run = config.get("configurable") or {}
    # A run without a thread of its own has no checkpointer, and nothing that could be cut off.
    if runtime.access_context not in (RUN, EDIT) or SAVER not in run:
        yield graph
        return
    memory, user, thread = current_memory(), acting_user(config), str(run["thread_id"])
    async with memory.databases.locks.open_turn(thread, thread_name(config) or thread) as hold:
        if runtime.access_context == EDIT:
            yield graph
            return
        about = runtime.execution_runtime
        context = {**((about and about.context) or {}), "user_id": user}
        async with open_run(memory, config, context) as opened:
            yield opened
            hold.check()


@asynccontextmanager
async def open_run(
    memory: Memory, config: RunnableConfig, context: Mapping[str, Any]
) -> AsyncIterator[Graph]:
    """Yield the graph behind whatever an earlier turn of the thread still owes."""
    user, thread = str(context["user_id"]), str(config["configurable"]["thread_id"])
    owner, notes = await user_key(memory.databases.store, user), memory.databases.open_turns
    name = thread_name(config)
    left = await notes.note(owner, thread, name if thread_id(owner, name) == thread else thread)
    run_id = str(config["configurable"].get("run_id"))
    again = left and await apart(finish(memory, thread, context, run_id))
    try:
        yield Resumed(**vars(graph)) if again else graph
    except asyncio.CancelledError:
        raise  # The server stops: by the note its next start finishes the run.
    except Exception as error:
        if type(error).__name__ in STOPPED:
            await notes.forget(owner, thread)
        raise
    await notes.forget(owner, thread)
    with acting_as(user):
        await memory.saver.aprune_turns(thread, TURNS_KEPT)


async def finish(memory: Memory, thread: str, context: Mapping[str, Any], run_id: str = "") -> bool:
    """Finish the bookkeeping of a turn that was cut off; tell whether it is the turn of this run.

    That one goes on by itself. An answer that never came is not asked for again.
    """
    whole = builder.compile(checkpointer=memory.saver, store=memory.store, name="threadkeep")
    config: RunnableConfig = {
        "configurable": {"thread_id": thread, USER_KEY: str(context["user_id"])}
    }
    state = await whole.aget_state(config)
    if run_id and (state.metadata or {}).get("run_id") == run_id:
        return True
    owed = await pending_nodes(whole, config)
    if owed and (not run_id or owed <= {*BOOKKEEPING}):
        await whole.ainvoke(
            None, config, context=Context.model_validate(context), durability="sync"
        )
    return False
