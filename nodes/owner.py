"""Whose turn it is. Nobody is the default."""

from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from graph.context import Context
from graph.errors import BadInput
from graph.user import acting_as, acting_user
from stores.namespaces import user_key


def store_of(runtime: Runtime[Context]) -> BaseStore:
    """Return the long-term store of the run.

    Raises:
        BadInput: the graph was compiled without one.
    """
    if runtime.store is None:
        raise BadInput("The graph has no store; compile it with store=HybridStore(...).")
    return runtime.store


async def owner_of(runtime: Runtime[Context]) -> str:
    """Return the key under which this user's memory is kept.

    Raises:
        BadInput: the run has no user.
        AccessRefused: the caller's credentials or config name another one.
    """
    with acting_as(context_of(runtime).user_id):
        return await user_key(store_of(runtime), acting_user(get_config()))


def context_of(runtime: Runtime[Context]) -> Context:
    """Return what the caller chose.

    Raises:
        BadInput: the caller gave no context, hence no user.
    """
    context: Context | None = runtime.context
    if context is None:
        raise BadInput("The run has no user; pass context={'user_id': ...}.")
    return context


def thread_of() -> str:
    """Return the id of the run's thread; to be called inside a node.

    Raises:
        BadInput: the run has none.
    """
    thread = get_config().get("configurable", {}).get("thread_id")
    if not thread:
        raise BadInput("The run has no thread; pass {'configurable': {'thread_id': ...}}.")
    return str(thread)
