"""Keep pictures and files out of checkpoints: once per user, by digest, beside the items.

The saver writes references and reads the data again; everything outside it sees the data itself.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from langgraph.checkpoint.base import Checkpoint, CheckpointTuple

from threadkeep.checkpoints.data_references import (
    Reference,
    digests_in,
    reference_of,
    with_data,
    without_data,
)

MAX_CACHED_CHARACTERS: Final = 64_000_000
MAX_THREADS: Final = 1_024


class Blobs(Protocol):
    """Keeps data of users by digest."""

    async def keep(self, user_id: str, thread: str, data: Mapping[str, str]) -> None:
        """Keep base64 by digest, and record that the thread uses it. Idempotent.

        Empty data is kept already.
        """

    async def read(self, user_id: str, digests: Sequence[str]) -> Mapping[str, str]:
        """Return the base64 of the digests that are kept."""

    async def copy_uses(self, user_id: str, source: str, target: str) -> None:
        """Record that the copy of a thread uses the same data."""

    async def release(self, user_id: str, thread: str) -> None:
        """Delete what only the checkpoints of a deleted thread used. Idempotent."""


class CheckpointBlobs:
    """Replaces data by references on the way to a saver, and back."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self._references: OrderedDict[str | bytes, Reference] = OrderedDict()
        self._size = 0
        self._stored: OrderedDict[tuple[str, str], set[str]] = OrderedDict()
        """Digests that are kept for a thread, as of its newest read."""

    async def checkpoint(self, user_id: str, thread: str, checkpoint: Checkpoint) -> Checkpoint:
        """Return a checkpoint without data; what it holds is kept first."""
        values = await self.value(user_id, thread, checkpoint["channel_values"])
        if values is checkpoint["channel_values"]:
            return checkpoint
        return {**checkpoint, "channel_values": values}

    async def value(self, user_id: str, thread: str, value: Any) -> Any:
        """Return a value without data; what it holds is kept first."""
        used: dict[str, str] = {}

        def reference(data: str | bytes) -> Reference | None:
            replacement = self._reference(data)
            if replacement:
                used[replacement.digest] = replacement.data or used.get(replacement.digest, "")
            return replacement

        new = without_data(value, reference)
        if used:
            stored = self._digests_of((user_id, thread))
            if missing := {digest: data for digest, data in used.items() if digest not in stored}:
                await self.blobs.keep(user_id, thread, missing)
                stored |= missing.keys()
        return new

    async def resolved(self, user_id: str, thread: str, saved: CheckpointTuple) -> CheckpointTuple:
        """Return a checkpoint with the data of its references."""
        values, writes = saved.checkpoint["channel_values"], saved.pending_writes or []
        digests = digests_in(values) | digests_in(writes)
        key = (user_id, thread)
        self._stored.pop(key, None)
        if not digests:
            return saved
        data = await self.blobs.read(user_id, sorted(digests))
        self._digests_of(key).update(data)
        checkpoint: Any = {**saved.checkpoint, "channel_values": with_data(values, data)}
        pending: Any = with_data(writes, data)
        return saved._replace(checkpoint=checkpoint, pending_writes=pending)

    def _digests_of(self, key: tuple[str, str]) -> set[str]:
        if key not in self._stored and len(self._stored) >= MAX_THREADS:
            self._stored.popitem(last=False)
        return self._stored.setdefault(key, set())

    def _reference(self, data: str | bytes) -> Reference | None:
        """Return the reference of data; what was hashed lately is not hashed again."""
        if (reference := self._references.get(data)) is not None:
            return reference
        reference = reference_of(data)
        if reference is not None:
            self._references[data] = reference
            self._size += len(data)
            while self._size > MAX_CACHED_CHARACTERS and len(self._references) > 1:
                self._size -= len(self._references.popitem(last=False)[0])
        return reference
