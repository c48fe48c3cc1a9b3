"""What a thread costs as it grows: `python -m benchmarks.growth --json`.

One user talks in one thread, two messages of 50 words a turn, with the defaults. Measured are the
bytes of everything that is kept (checkpoints after pruning, items, words, vectors) and the time of
a turn, at turns 100, 1,000 and 10,000; beside it a plain LangGraph chat on the stock saver and
SummarizationMiddleware, as far as those can reach.
"""

import argparse
import asyncio
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph

from benchmarks.report import percentile, report
from benchmarks.turn import sentence
from chat_models.choice import choose_model
from chat_models.offline import OfflineChatModel
from graph.context import Context
from graph.database_url import parse_database
from graph.settings import Settings, load_settings
from nodes import model
from turns.agent import open_agent

WORDS = 50
TIMED = 100
"""A time is the median of so many turns."""
STEPS = (100, 1_000, 10_000)
WINDOWS = {100: (100, 1_000), 1_000: (1_000, 2_000), 10_000: (9_000, 10_000)}
"""Bytes a turn are what was added between two turns: Chroma writes its index out every 500 turns,
so that a shorter window would see it many times or not at all."""
POSTGRES = os.environ.get("THREADKEEP_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
RANDOM = Random(3)
Size = Callable[[], Awaitable[int]]
Figures = dict[str, float]
Turn = Callable[[str], Awaitable[Any]]


class FiftyWords(OfflineChatModel):
    """Answers with 50 made-up words, so that no history makes an answer longer."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        made = super()._generate([HumanMessage("hello")], *args, **kwargs)
        made.generations[0].message.content = sentence(RANDOM, WORDS)
        return made

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    _astream = None  # type: ignore[assignment]


async def answer_at_once() -> None:
    """Let this process's own choice of a model be the one that answers at once."""
    settings = load_settings()
    model._chosen[settings, None] = await choose_model(settings, None), FiftyWords()


async def grow(turn: Turn, size: Size, turns: int, name: str) -> Figures:
    """Talk, and return bytes and milliseconds at each step, and bytes a turn in each window."""
    figures: Figures = {}
    taken: list[float] = []
    sizes: dict[int, int] = {}
    weighed = {*STEPS, *(end for window in WINDOWS.values() for end in window)}
    for number in range(1, turns + 1):
        began = time.perf_counter()
        await turn(sentence(RANDOM, WORDS))
        taken.append((time.perf_counter() - began) * 1000)
        if number in weighed:
            sizes[number] = await size()
        if number in STEPS:
            figures[f"{name}_bytes_in_all_at_{number}"] = sizes[number]
            figures[f"{name}_ms_a_turn_at_{number}"] = percentile(taken[-TIMED:], 0.5)
    for step, (first, last) in WINDOWS.items():
        if last <= turns:
            share = (sizes[last] - sizes[first]) / (last - first)
            figures[f"{name}_bytes_a_turn_at_{step}"] = share
    return figures


async def threadkeep(settings: Settings, size: Size, turns: int, name: str) -> Figures:
    """Measure threadkeep on the database of the settings."""
    async with open_agent(settings) as agent:

        async def turn(text: str) -> None:
            done = await agent.say(Context(user_id="bench"), "long", text)
            await done.finished()

        async def indexed() -> int:
            await agent.store.index_pending()
            return await size()

        return await grow(turn, indexed, turns, name)


async def on_sqlite(turns: int) -> Figures:
    """Measure threadkeep on one SQLite file and embedded Chroma."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))

        async def size() -> int:
            # What waits in the log is counted where it will be, in the file.
            await asyncio.to_thread(_empty_log, settings.database)
            return await folder_size(Path(folder))

        return await threadkeep(settings, size, turns, "sqlite")


async def on_postgres(turns: int) -> Figures:
    """Measure threadkeep on PostgreSQL and embedded Chroma."""
    async with schema() as (url, relations):
        with tempfile.TemporaryDirectory() as folder:

            async def size() -> int:
                return await relations() + await folder_size(Path(folder))

            settings = Settings(home=Path(folder), checkpoints=parse_database(url))
            return await threadkeep(settings, size, turns, "postgres")


async def plain(turns: int) -> Figures:
    """Measure a chat that keeps its messages in the state, on LangGraph's own saver."""
    builder = StateGraph(MessagesState)
    builder.add_node("answer", _answer)
    builder.add_edge(START, "answer")
    return await stock(builder.compile, turns, "plain")


async def summarizing(turns: int) -> Figures:
    """Measure LangChain's agent with SummarizationMiddleware, 40 messages down to 20."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import SummarizationMiddleware

    fifty = FiftyWords()
    middleware = SummarizationMiddleware(fifty, trigger=("messages", 40), keep=("messages", 20))

    def compiled(checkpointer: Any) -> Any:
        return create_agent(fifty, middleware=[middleware], checkpointer=checkpointer)

    return await stock(compiled, turns, "summarizing")


async def stock(compiled: Callable[..., Any], turns: int, name: str) -> Figures:
    """Measure a graph on the stock SQLite saver."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock.sqlite"
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            graph = compiled(checkpointer=saver)
            config = {"configurable": {"thread_id": "long"}}

            async def turn(text: str) -> None:
                await graph.ainvoke({"messages": [HumanMessage(text)]}, config)

            return await grow(turn, lambda: folder_size(Path(folder)), turns, name)


async def _answer(state: MessagesState) -> dict[str, Any]:
    return {"messages": [await FiftyWords().ainvoke(state["messages"])]}


def _empty_log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""

    def sizes() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    return await asyncio.to_thread(sizes)


@asynccontextmanager
async def schema() -> AsyncIterator[tuple[str, Size]]:
    """Yield the address of an empty schema, and what tells its size without dead rows."""
    from psycopg import AsyncConnection

    name = f"threadkeep_{secrets.token_hex(6)}"
    async with await AsyncConnection.connect(POSTGRES, autocommit=True) as conn:
        await conn.execute(f'CREATE SCHEMA "{name}"')

        async def size() -> int:
            tables = await conn.execute(
                "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname = %s",
                (name,),
            )
            total = 0
            for (table,) in await tables.fetchall():
                await conn.execute(f"VACUUM FULL {table}")
                row = await (
                    await conn.execute("SELECT pg_total_relation_size(%s)", (table,))
                ).fetchone()
                total += row[0] if row else 0
            return total

        try:
            yield f"{POSTGRES}?options={quote(f'-c search_path={name}')}", size
        finally:
            await conn.execute(f'DROP SCHEMA "{name}" CASCADE')


def targets(figures: Figures) -> dict[str, bool]:
    """Return which targets the figures meet."""
    met: dict[str, bool] = {}
    for name in ("sqlite", "postgres"):
        last = max((step for step in STEPS if f"{name}_ms_a_turn_at_{step}" in figures), default=0)
        if not last:
            continue
        for what in ("bytes", "ms"):
            late = figures.get(f"{name}_{what}_a_turn_at_{last}")
            early = figures.get(f"{name}_{what}_a_turn_at_100")
            if late is not None and early is not None and last > STEPS[0]:
                figures[f"{name}_{what}_ratio"] = late / early
                said = f"{name}: {what} a turn at {last:,} / at 100 <= 1.2"
                met[said] = late / early <= 1.2
        share = figures[f"{name}_bytes_in_all_at_{last}"] / last
        met[f"{name}: in all <= 8 kB a turn at {last:,}"] = share <= 8_000
    if "plain_bytes_in_all_at_1000" in figures and "sqlite_bytes_in_all_at_1000" in figures:
        times = figures["plain_bytes_in_all_at_1000"] / figures["sqlite_bytes_in_all_at_1000"]
        figures["plain_over_threadkeep_at_1000"] = times
        met["plain chat >= 100 times larger at 1,000"] = times >= 100
    return met


async def measure(turns: int, stock_turns: int, only: str | None) -> Figures:
    """Return all figures."""
    # Nothing but the bookkeeping is to be measured.
    await answer_at_once()
    works = {
        "sqlite": (on_sqlite, turns),
        "postgres": (on_postgres, turns),
        "plain": (plain, stock_turns),
        "summarizing": (summarizing, stock_turns),
    }
    figures: Figures = {}
    for name, (work, long) in works.items():
        if only in (None, name):
            figures |= await work(long)
    return figures


def main() -> None:
    """Measure in places that are thrown away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turns", type=int, default=10_000)
    parser.add_argument("--stock-turns", type=int, default=1_000)
    parser.add_argument("--only", help="sqlite, postgres, plain or summarizing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"THREADKEEP_MODEL": "offline", "THREADKEEP_HOME": folder}
        figures = asyncio.run(measure(asked.turns, asked.stock_turns, asked.only))
    report("growth", figures, targets(figures), as_json=asked.json)


if __name__ == "__main__":
    main()
