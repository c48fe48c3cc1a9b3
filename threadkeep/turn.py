"""One turn under way, as whoever waits for its reply sees it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.messages import AIMessageChunk

from threadkeep.base.memory_block import RecalledItem
from threadkeep.graph.state import Ledger, merge_ledger

Event = tuple[str, Any]
"""What a run streams: the mode, and what LangGraph streams in it."""


class Turn:
    """One turn under way: iterate over the reply as it comes; `finished` waits for bookkeeping."""

    def __init__(self, run: AsyncIterator[Event]) -> None:
        self.reply = ""
        self.memories: list[RecalledItem] = []
        self.ledger: Ledger = {}
        self._streamed = False
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._consume(run))

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._task.done():
            self._task.result()

    async def finished(self) -> None:
        """Wait until everything about this turn is written.

        Raises:
            ThreadkeepError: what kept it from being written.
        """
        await self._task

    async def stop(self) -> None:
        """Give the turn up where it stands; what the user said stays in the thread."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _consume(self, run: AsyncIterator[Event]) -> None:
        try:
            async for mode, event in run:
                self._take(mode, event)
        finally:
            self._pieces.put_nowait(None)

    def _take(self, mode: str, event: Any) -> None:
        if mode == "messages":
            chunk, about = event
            if about.get("langgraph_node") == "call_model" and isinstance(chunk, AIMessageChunk):
                self._pieces.put_nowait(str(chunk.text))
                self._streamed = True
            return
        for node, update in event.items():
            update = update or {}
            self.memories = update.get("memories", self.memories)
            self.ledger = merge_ledger(self.ledger, update.get("ledger", {}))
            if node == "call_model":
                self.reply = str(update["messages"][-1].text)
                if not self._streamed:  # The model replied as a whole.
                    self._pieces.put_nowait(self.reply)
                self._pieces.put_nowait(None)
