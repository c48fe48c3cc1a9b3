"""Common baselines: a chat that keeps its messages in the state, and LangChain's memory."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph

from benchmarks.turn import sentence
from threadkeep.models.offline import OfflineChatModel

WORDS = 50
RANDOM = Random(4)
Compile = Callable[[Any], Any]
"""Compiles a graph with a saver."""


class FiftyWords(OfflineChatModel):
    """Answers with 50 made-up words, whatever the history is."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        result = super()._generate([HumanMessage("hello")], *args, **kwargs)
        result.generations[0].message.content = sentence(RANDOM, WORDS)
        return result

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    _astream = None  # type: ignore[assignment]


def plain(saver: Any) -> Any:
    """Return a chat of one node that keeps its messages in the state."""
    builder = StateGraph(MessagesState)
    builder.add_node("answer", _answer)
    builder.add_edge(START, "answer")
    return builder.compile(checkpointer=saver)


def summarizing(saver: Any) -> Any:
    """Return LangChain's memory with SummarizationMiddleware, 40 messages down to 20."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import SummarizationMiddleware

    fifty = FiftyWords()
    middleware = SummarizationMiddleware(fifty, trigger=("messages", 40), keep=("messages", 20))
    return create_agent(fifty, middleware=[middleware], checkpointer=saver)


@asynccontextmanager
async def open_stock(
    compiled: Compile,
) -> AsyncIterator[tuple[Callable[[str], Awaitable[Any]], Callable[[], Awaitable[int]]]]:
    """Yield functions: send a text to a graph on the stock SQLite saver, and return its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock.sqlite"
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            graph = compiled(saver)
            config = {"configurable": {"thread_id": "long"}}

            async def turn(text: str) -> None:
                await graph.ainvoke({"messages": [HumanMessage(text)]}, config)

            yield turn, lambda: folder_size(Path(folder))


async def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""

    def sizes() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    return await asyncio.to_thread(sizes)


async def _answer(state: MessagesState) -> dict[str, Any]:
    return {"messages": [await FiftyWords().ainvoke(state["messages"])]}
