"""What a user has erased, or what expired: an import leaves it out unless it is told otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.stores.namespaces import internal_store
from threadkeep.stores.tombstones import (
    TOMBSTONES,
    conversation_mark,
    expired_mark,
    message_marks,
    tombstone_of,
)

BATCH = 2_000
EPOCH_100NS = 0x01B21DD213814000
"""1970 in units of 100 ns since 1582, from which a checkpoint's id counts."""
Entry = tuple[str, Mapping[str, Any]]


class ForgottenMarks:
    """Reads the tombstones of one user."""

    def __init__(self, store: BaseStore, owner: str, *, is_empty: bool) -> None:
        self._store = store
        self._owner = owner
        self._is_empty = is_empty

    @classmethod
    def open(cls, store: BaseStore, owner: str, *, again: bool = False) -> "ForgottenMarks":
        """Return the user's tombstones; none with `again`."""
        return cls(internal_store(store), owner, is_empty=again)

    async def user_erased_at(self) -> datetime | None:
        """Return when all of the user was erased last."""
        return (await self._times([tombstone_of(self._owner)])).get(tombstone_of(self._owner))

    async def thread_erased_at(
        self, thread: str, source: str = "", conversation: str | None = None
    ) -> datetime | None:
        """Return when a thread, or the conversation that it was imported from, was erased last."""
        marks = [tombstone_of(self._owner, "thread", thread), expired_mark(self._owner, thread)]
        if conversation is not None:
            marks.append(conversation_mark(self._owner, source, conversation))
        return max((await self._times(marks)).values(), default=None)

    async def conversation_erased_at(self, source: str, conversation: str) -> datetime | None:
        """Return when a conversation of another program was erased last."""
        mark = conversation_mark(self._owner, source, conversation)
        return (await self._times([mark])).get(mark)

    async def erased_messages(self, messages: Sequence[Entry]) -> set[str]:
        """Return the ids of the messages that were erased one by one."""
        marks = {
            mark: id_
            for id_, value in messages
            for mark in (
                tombstone_of(self._owner, "message", id_),
                *message_marks(self._owner, value),
            )
        }
        return {marks[mark] for mark in await self._times(marks)}

    async def _times(self, marks: Iterable[str]) -> dict[str, datetime]:
        keys = [] if self._is_empty else list(marks)
        times: dict[str, datetime] = {}
        for start in range(0, len(keys), BATCH):
            ops = [GetOp(TOMBSTONES, key, refresh_ttl=False) for key in keys[start : start + BATCH]]
            for item in await self._store.abatch(ops):
                if isinstance(item, Item):
                    times[item.key] = _time_of(str(item.value.get("at")))
        return times


def _time_of(checkpoint_id: str) -> datetime:
    """Return the time in a checkpoint's id (UUID version 6)."""
    number = UUID(checkpoint_id).int
    ticks = (number >> 80 << 12) | (number >> 64 & 0xFFF)
    return datetime.fromtimestamp((ticks - EPOCH_100NS) / 10**7, UTC)
