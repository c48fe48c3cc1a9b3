"""Map the threads of an export to threads of the user: the same thread, or a new one."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import USER_KEY
from threadkeep.base.validation import MAX_ID_CHARACTERS
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.stores.namespaces import messages_of, thread_id, threads_of
from threadkeep.transfer.export_reader import ThreadSummary

MAX_SAME_NAMES = 1_000
TEXT_FIELDS = frozenset({"text", "before", "content", "summary", "extract", "title", "name"})
"""Fields that people and models write; they never hold a thread's id."""
THREAD_FIELDS = ("thread", "places", "forked_from", "family")
UUID_CHARACTERS = 36


class ThreadMapper:
    """Finds the id and the name that an imported thread gets."""

    def __init__(self, store: BaseStore, saver: OwnedSaver, user_id: str, owner: str) -> None:
        self._store = store
        self._saver = saver
        self._user_id = user_id
        self._owner = owner

    async def map(self, thread: ThreadSummary) -> tuple[str, str]:
        """Return id and name of the thread in this store.

        An id that was made from a name is made again for this owner; any other id is kept, unless
        it is another user's. A stored thread of the same name without a common message is another
        thread: the imported one is renamed to "trip (2)", and gets the same name the next time.

        Raises:
            BadInput: too many threads have that name.
        """
        if not thread.has_derived_id:
            return await self._keep_id(thread), thread.name
        for number in range(1, MAX_SAME_NAMES + 1):
            suffix = "" if number == 1 else f" ({number})"
            name = thread.name[: MAX_ID_CHARACTERS - len(suffix)] + suffix
            new_id = thread_id(self._owner, name)
            if await self._is_same_or_free(thread, new_id):
                return new_id, name
        raise BadInput(
            f"There are {MAX_SAME_NAMES:,} other threads called {thread.name!r:.60} already; "
            "delete some of them first."
        )

    async def _keep_id(self, thread: ThreadSummary) -> str:
        config: Any = {"configurable": {"thread_id": thread.id, USER_KEY: self._user_id}}
        try:
            await self._saver.aget_tuple(config)
        except (AccessRefused, BadInput):
            pass
        else:
            if await self._is_same_or_free(thread, thread.id):
                return thread.id
        # A name that a person types cannot contain NUL.
        return thread_id(self._owner, f"imported\0{thread.id}")

    async def _is_same_or_free(self, thread: ThreadSummary, stored_id: str) -> bool:
        """Return whether a stored thread has messages of the imported one, or does not exist."""
        stored = messages_of(self._owner, stored_id)
        ops = [GetOp(stored, key, refresh_ttl=False) for key in thread.messages]
        if any(isinstance(item, Item) for item in await self._store.abatch(ops)):
            return True
        if not thread.messages or not await self._store.asearch(stored, limit=1, refresh_ttl=False):
            return True
        return await self._store.aget(threads_of(self._owner), stored_id, refresh_ttl=False) is None


def replace_thread_ids(value: Any, ids: Mapping[str, str], field: str = "") -> Any:
    """Return a JSON value in which the ids of threads are replaced by their new ones."""
    if isinstance(value, dict):
        return {key: replace_thread_ids(inner, ids, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [replace_thread_ids(inner, ids, field) for inner in value]
    if not isinstance(value, str) or value not in ids or field in TEXT_FIELDS:
        return value
    # A short id that a client chose may be an ordinary word in another field.
    is_id = field in THREAD_FIELDS or len(value) == UUID_CHARACTERS
    return ids[value] if is_id else value
