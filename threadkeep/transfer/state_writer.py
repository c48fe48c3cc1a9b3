"""Write imported working states, so that conversations continue where they were."""

from typing import Any, cast

from langchain_core.messages import RemoveMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from threadkeep.base.user import USER_KEY
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.graph.agent import builder
from threadkeep.opened import Opened
from threadkeep.transfer.state_json import default_state, parse_messages

LAST_NODE = "store_turn"
"""No node follows it, so that no run is pending."""


class StateWriter:
    """Writes the states of one user's threads."""

    def __init__(self, opened: Opened, user_id: str) -> None:
        # A guard without a follower: the imported items fit the states already.
        self._saver = OwnedSaver(opened.inner_saver, blobs=opened.saver.blobs)
        self._graph = builder.compile(checkpointer=self._saver)
        self._locks = opened.locks
        self._user_id = user_id

    async def write(
        self, thread: str, name: str, value: dict[str, Any], ttl_minutes: float | None
    ) -> bool:
        """Write a state unless the thread has a newer one; return whether it was written.

        Raises:
            ThreadBusy: a turn is open on the thread for too long.
        """
        run = {"thread_id": thread, USER_KEY: self._user_id}
        config = cast(RunnableConfig, {"configurable": run})
        async with self._locks.acquire(thread, name):
            stored = (await self._graph.aget_state(config)).values
            turn_at = str(value.get("turn_at", ""))
            if stored.get("messages") and str(stored.get("turn_at")) >= turn_at:
                return False
            messages = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *parse_messages(value)]
            state = default_state() | value | {"messages": messages}
            await self._graph.aupdate_state(config, state, as_node=LAST_NODE)
            if ttl_minutes is not None:
                await self._saver.aset_ttl(thread, ttl_minutes)
        return True
