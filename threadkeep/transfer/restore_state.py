"""Give a thread its working state back, so that the conversation goes on where it was."""

from typing import Any, cast

from langchain_core.messages import RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.locks import ThreadLocks
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.graph.agent import builder
from threadkeep.transfer.thread_state import defaults, messages_of

LAST_NODE = "store_turn"
"""Nothing comes after it, so that no run is owed."""


class StateWriter:
    """Writes the states of one user's threads."""

    def __init__(self, saver: OwnedSaver, locks: ThreadLocks, user: str) -> None:
        # A guard of its own: the items of the file fit its state, nothing has to follow it.
        self._saver = OwnedSaver(saver.saver)
        self._graph = builder.compile(checkpointer=self._saver)
        self._locks = locks
        self._user = user

    async def write(
        self, thread: str, name: str, value: dict[str, Any], ttl_minutes: float | None
    ) -> bool:
        """Write a state unless the thread has one that has gone further; tell whether it did.

        Raises:
            ThreadBusy: a turn is open on the thread for too long.
        """
        config = cast(RunnableConfig, {"configurable": {"thread_id": thread, USER_KEY: self._user}})
        async with self._locks.acquire(thread, name):
            mine = (await self._graph.aget_state(config)).values
            if mine.get("messages") and str(mine.get("turn_at")) >= str(value.get("turn_at", "")):
                return False
            messages = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *messages_of(value)]
            state = defaults() | value | {"messages": messages}
            await self._graph.aupdate_state(config, state, as_node=LAST_NODE)
            if ttl_minutes is not None:
                await self._saver.aset_ttl(thread, ttl_minutes)
        return True
