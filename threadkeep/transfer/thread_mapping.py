"""Which thread of the user's own a thread of an export becomes: the same one, or one beside it."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.errors import AccessRefused, BadInput
from threadkeep.base.user import USER_KEY
from threadkeep.base.validation import MAX_ID_CHARACTERS
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.stores.namespaces import messages_of, thread_id, threads_of
from threadkeep.transfer.read import Seen

MOST_NAMESAKES = 1_000
TEXTS = frozenset({"text", "before", "content", "summary", "extract", "title", "name"})
"""What a person or a model wrote is never taken for a thread's id."""
SURE = ("thread", "places", "forked_from", "family")
UUID_CHARACTERS = 36


class Names:
    """Finds the id and the name that a thread has here."""

    def __init__(self, store: BaseStore, saver: OwnedSaver, user: str, owner: str) -> None:
        self._store = store
        self._saver = saver
        self._user = user
        self._owner = owner

    async def of(self, seen: Seen) -> tuple[str, str]:
        """Return the id and name of the thread that this one is, or becomes.

        An id that was made of a name is made again, of this user's key; any other stays, unless
        somebody else has it. A namesake here that shares no message with it is another thread:
        this one is called "trip (2)" then, and is found under that name the next time too.

        Raises:
            BadInput: there are too many namesakes.
        """
        if not seen.named:
            kept = await self._kept(seen)
            return kept, seen.name
        for number in range(1, MOST_NAMESAKES + 1):
            more = "" if number == 1 else f" ({number})"
            name = seen.name[: MAX_ID_CHARACTERS - len(more)] + more
            thread = thread_id(self._owner, name)
            if await self._is_same(seen, thread):
                return thread, name
        raise BadInput(
            f"There are {MOST_NAMESAKES:,} other threads called {seen.name!r:.60} already; "
            "delete some of them first."
        )

    async def _kept(self, seen: Seen) -> str:
        config: Any = {"configurable": {"thread_id": seen.id, USER_KEY: self._user}}
        try:
            await self._saver.aget_tuple(config)
        except (AccessRefused, BadInput):
            pass
        else:
            if await self._is_same(seen, seen.id):
                return seen.id
        # No name that a person can type has a NUL in it.
        return thread_id(self._owner, f"imported\0{seen.id}")

    async def _is_same(self, seen: Seen, thread: str) -> bool:
        """Tell whether a thread here is this one, or is still free."""
        here = messages_of(self._owner, thread)
        ops = [GetOp(here, key, refresh_ttl=False) for key in seen.messages]
        if any(isinstance(found, Item) for found in await self._store.abatch(ops)):
            return True
        if not seen.messages or not await self._store.asearch(here, limit=1, refresh_ttl=False):
            return True
        return await self._store.aget(threads_of(self._owner), thread, refresh_ttl=False) is None


def renamed(value: Any, ids: Mapping[str, str], key: str = "") -> Any:
    """Return a value in which every thread's id is the one that the thread has here."""
    if isinstance(value, dict):
        return {name: renamed(each, ids, name) for name, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, ids, key) for each in value]
    if isinstance(value, str) and value in ids and key not in TEXTS:
        # A short id that somebody chose may be any other word; only a thread's own field is sure.
        sure = key in SURE or len(value) == UUID_CHARACTERS
        return ids[value] if sure else value
    return value
