"""A saver that gives a thread only to its owner, around any saver.

A thread belongs to the user it was first written for. A saver sees only the run's config, so that
is where the user must be (see base/user.py); calls without a config ask as `acting_as(user)`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from copy import copy
from time import monotonic
from typing import Any, Protocol, runtime_checkable

from langchain_core.runnables import ConfigurableFieldSpec, RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from threadkeep.base.errors import AccessRefused, ThreadDeleted
from threadkeep.base.user import USER_KEY, acting_user
from threadkeep.checkpoints.owner_checks import check_thread, checked, given, named, thread_of
from threadkeep.checkpoints.owner_records import (
    OwnerRecord,
    OwnerRecords,
    current_checkpoint_id,
    refuse_late_write,
)
from threadkeep.checkpoints.sync_calls import FromThreads

Follow = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], Awaitable[None]]
"""What is called after a state was changed from outside a run: user, thread, values before, after.

The long-term store follows it, see `threadkeep/knowledge/branch_sync.py`.
"""
OUTSIDE = ("update", "fork")
"""Sources of checkpoints that no turn has made."""
KNOWN_SECONDS = 1.0
"""How long a record may be taken from memory before a write; after one it is always read."""
KNOWN_THREADS = 4_096


@runtime_checkable
class TombstoneSaver(Protocol):
    """A saver that itself refuses what comes late, as those of checkpoints/savers.py do."""

    async def adelete_with_tombstone(self, thread_id: str, at: str) -> None:
        """Delete a thread as of a checkpoint id; what comes late from before then is refused."""


class OwnedSaver(FromThreads):
    """Any saver, its threads for their owners alone; deleted ones stay deleted."""

    def __init__(self, saver: BaseCheckpointSaver[Any], follow: Follow | None = None) -> None:
        super().__init__(serde=saver.serde)
        self.saver = saver
        self.follow = follow
        self._loop = asyncio.get_running_loop()
        self._records = OwnerRecords(saver)
        self._known: dict[str, tuple[float, OwnerRecord]] = {}

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """What the saver reads from a config."""
        return list(self.saver.config_specs)

    def get_next_version(self, current: Any, channel: None) -> Any:
        """Return the version after `current`, as the saver counts."""
        return self.saver.get_next_version(current, channel)

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> "OwnedSaver":
        """Return a clone whose saver allows these types too."""
        clone = copy(self)
        clone.saver = self.saver.with_allowlist(extra_allowlist)
        clone.serde = clone.saver.serde
        return clone

    async def aclaim(self, thread_id: str) -> None:
        """Make a thread the acting user's before anything is written to it.

        Raises:
            AccessRefused: it is another user's, or nobody asks.
        """
        user, thread = acting_user(), check_thread(thread_id)
        if not (await self._owned(thread, user)).owner:
            await self._claimed(thread, user)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint of the user's own.

        Raises:
            AccessRefused: the thread is another user's, or nobody asks.
        """
        user, thread = acting_user(config), thread_of(config)
        await self._owned(thread, user)
        found = await self.saver.aget_tuple(config)
        return given(found, thread, user) if found else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield the checkpoints of one thread of the user's own, the newest first.

        Raises:
            AccessRefused: no thread is named, it is another user's, or nobody asks.
        """
        if config is None:
            raise AccessRefused("Listing the checkpoints of everybody is refused; name a thread.")
        user, thread = acting_user(config), thread_of(config)
        await self._owned(thread, user)
        async for found in self.saver.alist(config, filter=filter, before=before, limit=limit):
            yield given(found, thread, user)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint in the user's own thread; the first one makes it theirs.

        Raises:
            AccessRefused: the thread is another user's or deleted, or nobody asks.
        """
        user, thread = acting_user(config), thread_of(config)
        await self._writable(thread, user, config["configurable"], checkpoint["id"])
        # Set here, over whatever a caller's own metadata says.
        owned: Any = {**metadata, USER_KEY: user}
        saved = await self.saver.aput(config, checkpoint, owned, new_versions)
        await self._still_alive(thread, config["configurable"], checkpoint["id"])
        if self.follow and metadata.get("source") in OUTSIDE and not _namespace(config):
            before = await self._values(config) if metadata["source"] == "update" else {}
            await self.follow(user, thread, before, checkpoint["channel_values"])
        return named(saved, user)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a task wrote in the user's own thread.

        Raises:
            AccessRefused: the thread is another user's or deleted, or nobody asks.
        """
        user, thread = acting_user(config), thread_of(config)
        await self._writable(thread, user, config["configurable"])
        await self.saver.aput_writes(config, writes, task_id, task_path)
        await self._still_alive(thread, config["configurable"])

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete a thread of the acting user's own; what is still on its way is refused.

        Raises:
            AccessRefused: the thread is another user's, or nobody asks.
        """
        user, thread = acting_user(), check_thread(thread_id)
        if not (await self._owned(thread, user)).owner:
            return
        if isinstance(self.saver, TombstoneSaver):
            await self.saver.adelete_with_tombstone(thread, current_checkpoint_id())
            return
        # First of all: whoever writes meanwhile sees it and takes back what they wrote.
        await self._records.bury(thread)
        self._known.pop(thread, None)
        await self.saver.adelete_thread(thread)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete what these runs of the acting user's own have saved.

        Raises:
            AccessRefused: a run is another user's, or nobody asks.
        """
        user = acting_user()
        for run_id in run_ids:
            async for found in self.saver.alist(None, filter={"run_id": run_id}):
                given(found, str(found.config["configurable"]["thread_id"]), user)
        await self.saver.adelete_for_runs(run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread of the acting user's own to another of theirs, or a new one.

        Raises:
            AccessRefused: one of them is another user's, the target was deleted, or nobody asks.
        """
        user = acting_user()
        source, target = check_thread(source_thread_id), check_thread(target_thread_id)
        await self._owned(source, user)
        record = await self._owned(target, user, fresh=True)
        if record.deleted:
            raise ThreadDeleted(target)
        if not record.owner:
            await self._claimed(target, user)
        await self.saver.acopy_thread(source, target)
        if (await self._owned(target, user, fresh=True)).deleted:
            await self.saver.adelete_thread(target)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Prune threads of the acting user's own; "delete" deletes them.

        Raises:
            AccessRefused: one of them is another user's, or nobody asks; then none is pruned.
        """
        user, threads = acting_user(), [check_thread(each) for each in thread_ids]
        for thread in threads:
            await self._owned(thread, user)
        if strategy == "delete":
            for thread in threads:
                await self.adelete_thread(thread)
        else:
            await self.saver.aprune(threads, strategy=strategy)

    async def aprune_turns(self, thread_id: str, keep: int) -> None:
        """Keep the newest turns of a thread of the acting user's own.

        Raises:
            AccessRefused: it is another user's, or nobody asks.
            AttributeError: the saver is none of `threadkeep.checkpoints.savers`.
        """
        thread = check_thread(thread_id)
        await self._owned(thread, acting_user())
        await self.saver.aprune_turns(thread, keep)  # type: ignore[attr-defined]

    async def aset_ttl(self, thread_id: str, minutes: float | None) -> None:
        """Set how long a thread of the acting user's own is kept after its last use.

        Raises:
            AccessRefused: it is another user's, or nobody asks.
            AttributeError: the saver is none of `threadkeep.checkpoints.savers`.
        """
        thread = check_thread(thread_id)
        await self._owned(thread, acting_user())
        await self.saver.aset_ttl(thread, minutes)  # type: ignore[attr-defined]

    async def asweep(self) -> int:
        """Delete what has expired, of whomever; return how many threads that was."""
        return int(await self.saver.asweep())  # type: ignore[attr-defined]

    async def _owned(self, thread: str, user: str, *, fresh: bool = False) -> OwnerRecord:
        """Return the record of a thread that belongs to the user or to nobody."""
        read_at, record = self._known.get(thread, (0.0, OwnerRecord()))
        # Whose it is never changes; whether it was deleted is asked again after a moment.
        old = monotonic() - read_at > KNOWN_SECONDS and not isinstance(self.saver, TombstoneSaver)
        if fresh or not record.owner or old:
            record = self._remember(thread, await self._records.read(thread))
        return checked(record, thread, user)

    async def _claimed(self, thread: str, user: str) -> OwnerRecord:
        return checked(
            self._remember(thread, await self._records.claim(thread, user)), thread, user
        )

    async def _writable(
        self, thread: str, user: str, run: Mapping[str, Any], new_id: str = ""
    ) -> None:
        record = await self._owned(thread, user)
        if not record.owner:
            record = await self._claimed(thread, user)
        refuse_late_write(record.deleted, run, new_id)

    async def _still_alive(self, thread: str, run: Mapping[str, Any], new_id: str = "") -> None:
        """Take back what was written while the thread was deleted."""
        if isinstance(self.saver, TombstoneSaver):
            return  # It has refused that in the same step.
        record = self._remember(thread, await self._records.read(thread))
        try:
            refuse_late_write(record.deleted, run, new_id)
        except ThreadDeleted:
            await self.saver.adelete_thread(thread)
            raise

    async def _values(self, config: RunnableConfig) -> Mapping[str, Any]:
        """Return the values of the checkpoint that a config names; none where it names none."""
        if not config["configurable"].get("checkpoint_id"):
            return {}
        found = await self.saver.aget_tuple(config)
        return found.checkpoint["channel_values"] if found else {}

    def _remember(self, thread: str, record: OwnerRecord) -> OwnerRecord:
        if len(self._known) >= KNOWN_THREADS:
            self._known.clear()
        self._known[thread] = (monotonic(), record)
        return record


def _namespace(config: RunnableConfig) -> str:
    return str(config["configurable"].get("checkpoint_ns") or "")
