"""What a node reads of its run: store, owner, context, thread. There is no default user."""

from collections.abc import Coroutine, Mapping
from functools import wraps
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from threadkeep.base.errors import BadInput, NoUser
from threadkeep.base.user import USER_KEY, acting_as, acting_user
from threadkeep.base.validation import sanitise_text
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.stores.dependencies import dependencies_of
from threadkeep.stores.namespaces import user_key


class Node(Protocol):
    """A node of the graph."""

    def __call__(self, state: State, runtime: Runtime[Context]) -> Coroutine[Any, Any, Update]:
        """Return the update of the state."""


def store_of(runtime: Runtime[Context]) -> BaseStore:
    """Return the long-term store of the run.

    Raises:
        BadInput: the graph was compiled without one.
    """
    if runtime.store is None:
        raise BadInput("The graph has no store; compile it with store=HybridStore(...).")
    return runtime.store


def on_run_clock(node: Node) -> Node:
    """Run a node by the clock and the predicates that travel with the run's store."""

    @wraps(node)
    async def run(state: State, runtime: Runtime[Context]) -> Update:
        context_of(runtime)  # A run without a user is refused before anything else.
        with dependencies_of(store_of(runtime)).in_use():
            return await node(state, runtime)

    return run


async def owner_of(runtime: Runtime[Context]) -> str:
    """Return the key under which this user's memory is kept.

    Raises:
        BadInput: the run has no user.
        AccessRefused: the caller's credentials or config name another one.
    """
    with acting_as(context_of(runtime).user_id):
        return await user_key(store_of(runtime), acting_user(get_config()))


def context_of(runtime: Runtime[Context]) -> Context:
    """Return the caller's context; inside another graph, a context with its user alone.

    Raises:
        BadInput: neither a context nor the run's config names a user.
    """
    context: Any = runtime.context
    if isinstance(context, Context):
        return context
    # Other fields of another graph's context, such as `model`, may mean something else there.
    fields = context if isinstance(context, Mapping) else getattr(context, "__dict__", {})
    try:
        user = fields.get(USER_KEY) or acting_user(get_config())
    except NoUser:
        raise BadInput("The run has no user; pass context={'user_id': ...}.") from None
    return Context(user_id=user)


def thread_of() -> str:
    """Return the id of the run's thread; call it inside a node.

    Raises:
        BadInput: the run has none.
    """
    thread = get_config().get("configurable", {}).get("thread_id")
    if not thread:
        raise BadInput("The run has no thread; pass {'configurable': {'thread_id': ...}}.")
    return str(thread)


def thread_name(config: RunnableConfig) -> str:
    """Return the name that the caller gave the thread, sanitised; empty if none."""
    return sanitise_text(str((config.get("metadata") or {}).get("thread_name") or ""))[:128]
