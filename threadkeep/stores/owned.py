"""A guard around any store: a user reaches only what is below their own key."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Op, PutOp, Result, SearchOp

from threadkeep.base.errors import AccessRefused
from threadkeep.base.sync_calls import wait_on
from threadkeep.base.user import current_user
from threadkeep.stores.dependencies import Dependencies, dependencies_of
from threadkeep.stores.namespaces import get_user_key, user_key
from threadkeep.stores.record_shapes import refuse_flaw


class OwnedStore(BaseStore):
    """Any store, guarded; the user is that of the run's config or of `acting_as(user)`."""

    supports_ttl = True

    def __init__(self, store: BaseStore) -> None:
        self.unguarded = store
        self._loop = asyncio.get_running_loop()

    @property
    def dependencies(self) -> Dependencies:
        """What travels with the guarded store."""
        return dependencies_of(self.unguarded)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations, all of them below the user's own key.

        Raises:
            AccessRefused: one is not, or there is no user; then none is done.
        """
        return await self._abatch(current_user(), list(ops))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do `abatch` from another thread than the event loop's.

        Raises:
            InvalidStateError: it is called on the event loop, which it would block for ever.
        """
        user = current_user()
        return wait_on(self._loop, lambda: self._abatch(user, list(ops)))

    async def _abatch(self, user: str, ops: list[Op]) -> list[Result]:
        key = await user_key(self.unguarded, user)
        for op in ops:
            check_op(op, key)
        return await self.unguarded.abatch(ops)


async def own_namespace(store: BaseStore, *labels: str) -> tuple[str, ...]:
    """Return a namespace of the acting user, for nodes and tools of any graph.

    Raises:
        NoUser: no user is named, by the run's config or an `acting_as` block.
    """
    return (await user_key(store, current_user()), *labels)


def get_own_namespace(store: BaseStore, *labels: str) -> tuple[str, ...]:
    """Return a namespace of the acting user, for nodes and tools without `async`.

    Call it where the store's other sync methods may be called: from another thread than its event
    loop's.

    Raises:
        NoUser: no user is named, by the run's config or an `acting_as` block.
        InvalidStateError: it is called on the store's event loop.
    """
    return (get_user_key(store, current_user()), *labels)


def check_op(op: Op, key: str) -> None:
    """Refuse an operation outside the namespaces below `key`, and a record that has a flaw.

    Raises:
        AccessRefused: the namespace is not below `key`.
        ValueError: a record of the memory's own lacks a field.
    """
    if isinstance(op, GetOp | PutOp):
        namespace: Any = op.namespace
    elif isinstance(op, SearchOp):
        namespace = op.namespace_prefix
    else:
        prefixes = [m.path for m in op.match_conditions or () if m.match_type == "prefix"]
        namespace = next((path for path in prefixes if path[:1] == (key,)), ())
    own = isinstance(namespace, tuple) and bool(namespace) and namespace[0] == key
    # Namespaces are joined by dots in the database: a label with one would be another place.
    if not own or not all(
        isinstance(label, str) and label and "." not in label for label in namespace
    ):
        raise AccessRefused(f"The namespace {namespace!r:.100} is not this user's; it is refused.")
    if isinstance(op, PutOp) and isinstance(op.value, Mapping):
        refuse_flaw(op.namespace, op.value)
