"""The saver of a server: what its routes ask for by thread id alone, memory follows."""

from collections.abc import Sequence

from langchain_core.runnables import RunnableConfig

from checkpoints.owners import OwnedSaver
from graph.user import USER_KEY, acting_as, is_acting
from nodes.databases import Databases


class ServerSaver(OwnedSaver):
    """`OwnedSaver` for a server, whose own workers clear up after runs without saying for whom."""

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases.saver.saver, databases.saver.follow)
        self._databases = databases

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete what these runs have saved; a worker asks as the user whose run it was.

        Raises:
            AccessRefused: a run is another user's.
        """
        if is_acting():
            await super().adelete_for_runs(run_ids)
            return
        for run_id in run_ids:
            async for found in self.saver.alist(None, filter={"run_id": run_id}, limit=1):
                with acting_as(str(found.metadata.get(USER_KEY))):
                    await super().adelete_for_runs([run_id])

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete a thread; a worker that ends a run without one asks as its user.

        Raises:
            AccessRefused: the thread is another user's.
        """
        if is_acting():
            await super().adelete_thread(thread_id)
            return
        config: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        found = await self.saver.aget_tuple(config)
        if found:
            with acting_as(str(found.metadata.get(USER_KEY))):
                await super().adelete_thread(thread_id)
