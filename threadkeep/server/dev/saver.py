"""The saver of the development server: deletions and copies of threads include their memory."""

from collections.abc import Sequence

from threadkeep.base.user import USER_KEY, acting_as, acting_user, is_acting
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.memory import Memory


class ServerSaver(OwnedSaver):
    """`OwnedSaver` whose deletions and copies are those of `Memory`.

    The server's workers delete what runs saved without naming a user.
    """

    def __init__(self, memory: Memory) -> None:
        saver = memory.opened.saver
        super().__init__(memory.opened.inner_saver, saver.follow, saver.blobs)
        self._memory = memory

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete what these runs saved; without an acting user, act as the user of each run.

        Raises:
            AccessRefused: a run is another user's.
        """
        if is_acting():
            await super().adelete_for_runs(run_ids)
            return
        for run_id in run_ids:
            # List all of them first: a saver may be locked while it lists.
            checkpoints = [
                checkpoint async for checkpoint in self.saver.alist(None, filter={"run_id": run_id})
            ]
            for user_id in {str(checkpoint.metadata.get(USER_KEY)) for checkpoint in checkpoints}:
                with acting_as(user_id):
                    await super().adelete_for_runs([run_id])

    async def adelete_thread(self, thread_id: str) -> None:
        """Erase a thread with its messages, and what was learned from it alone.

        Without an acting user, do nothing: a worker calls this after a run without a thread, which
        saved no checkpoint, and whose messages stay stored.

        Raises:
            AccessRefused: the thread is another user's.
            ThreadBusy: a turn is open on it for too long.
        """
        if is_acting():
            await self.guard.verify(thread_id, acting_user())
            await self._memory.delete_thread(thread_id, user_id=acting_user())
            self.guard.drop(thread_id)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Fork a thread of the acting user to a new one.

        Raises:
            AccessRefused: the thread is another user's, or no user acts.
            BadInput: the thread is empty.
            ThreadBusy: a turn is open on it for too long.
        """
        await self.guard.verify(source_thread_id, acting_user())
        await self._memory.fork(source_thread_id, target_thread_id, user_id=acting_user())
