"""The saver of a server: what its routes do to a thread by its id, memory follows."""

from collections.abc import Sequence

from threadkeep.base.user import USER_KEY, acting_as, acting_user, is_acting
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.memory import Memory


class ServerSaver(OwnedSaver):
    """`OwnedSaver` for a server: its deletions and copies are those of the terminal.

    The server's own workers clear up after runs without saying for whom.
    """

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory.opened.inner_saver, memory.opened.saver.follow)
        self._memory = memory

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete what these runs have saved; a worker asks as the user whose run it was.

        Raises:
            AccessRefused: a run is another user's.
        """
        if is_acting():
            await super().adelete_for_runs(run_ids)
            return
        for run_id in run_ids:
            # All of them first: a saver may be locked while it lists.
            checkpoints = [
                checkpoint async for checkpoint in self.saver.alist(None, filter={"run_id": run_id})
            ]
            for user in {str(checkpoint.metadata.get(USER_KEY)) for checkpoint in checkpoints}:
                with acting_as(user):
                    await super().adelete_for_runs([run_id])

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread with its messages, and what was learned from it alone.

        A worker asks for it after a run without a thread of its own: no checkpoint is there then,
        and what was said stays.

        Raises:
            AccessRefused: the thread is another user's.
            ThreadBusy: a turn is open on it for too long.
        """
        if is_acting():
            await self.guard.verify(thread_id, acting_user())
            await self._memory.delete_thread(thread_id, user_id=acting_user())
            self.guard.drop(thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread of the acting user's own to a new one; the two are branches of one.

        Raises:
            AccessRefused: it is another user's, or nobody asks.
            BadInput: there is nothing in it yet.
            ThreadBusy: a turn is open on it for too long.
        """
        await self.guard.verify(source_thread_id, acting_user())
        await self._memory.fork(source_thread_id, target_thread_id, user_id=acting_user())
