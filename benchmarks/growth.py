"""The cost of a thread as it grows: `python -m benchmarks.growth --json`.

One user talks in one thread, two messages of 50 words a turn, with the defaults. Measured: the
bytes of all stored data (checkpoints after pruning, items, words, vectors) and the time of a turn,
at turns 100, 1,000 and 10,000. For comparison: a plain LangGraph chat on the stock saver and
SummarizationMiddleware, for as many turns as they can run. Other load on the machine slows all
turns alike, so the turns of a second, young conversation are timed alternately with these.
"""

import argparse
import asyncio
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import quote

from benchmarks import growth_stock
from benchmarks.growth_stock import FiftyWords
from benchmarks.report import percentile, report
from benchmarks.turn import sentence
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory
from threadkeep.process import run

WORDS = 50
YOUNG, TIMED = 100, 100
"""Turns of the young conversation, and how many turns of both are timed alternately."""
STEPS = (100, 1_000, 10_000)
WINDOWS = {100: (100, 1_000), 1_000: (1_000, 2_000), 10_000: (9_000, 10_000)}
"""Bytes a turn are measured between these two turns. Chroma writes its index every 500 turns, so
that a shorter window would count it many times or not at all."""
POSTGRES = os.environ.get("THREADKEEP_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
RANDOM = Random(3)
Size = Callable[[], Awaitable[int]]
Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A running conversation: `turn` sends a text, `size` returns the bytes of all stored data."""

    turn: Callable[[str], Awaitable[object]]
    size: Size

    async def timed_turn(self) -> float:
        """Run one turn; return its milliseconds."""
        began = time.perf_counter()
        await self.turn(sentence(RANDOM, WORDS))
        return (time.perf_counter() - began) * 1000


OpenTalk = Callable[[], AbstractAsyncContextManager[Talk]]


async def grow(open_talk: OpenTalk, turns: int, name: str) -> Figures:
    """Return bytes and milliseconds at each step, and bytes a turn in each window."""
    figures: Figures = {}
    sizes: dict[int, int] = {}
    measured_turns = {*STEPS, *(end for window in WINDOWS.values() for end in window)}
    async with open_talk() as talk:
        number = 0
        while number < turns:
            step = number + TIMED
            if step in STEPS[1:] and step <= turns:
                figures |= await beside_young(talk, open_talk, f"{name}_ms", step)
                number = step
            else:
                await talk.timed_turn()
                number += 1
            if number in measured_turns:
                sizes[number] = await talk.size()
            if number in STEPS:
                figures[f"{name}_bytes_in_all_at_{number}"] = sizes[number]
    for step, (first, last) in WINDOWS.items():
        if last <= turns:
            share = (sizes[last] - sizes[first]) / (last - first)
            figures[f"{name}_bytes_a_turn_at_{step}"] = share
    return figures


async def beside_young(talk: Talk, open_talk: OpenTalk, name: str, step: int) -> Figures:
    """Time a young conversation and this one alternately; return medians and their ratio."""
    times: list[tuple[float, float]] = []
    async with open_talk() as young:
        for _ in range(YOUNG):
            await young.timed_turn()
        for _ in range(TIMED):
            times.append((await young.timed_turn(), await talk.timed_turn()))
    early, late = (percentile(list(column), 0.5) for column in zip(*times, strict=True))
    return {
        f"{name}_a_turn_at_{YOUNG}_beside_{step}": early,
        f"{name}_a_turn_at_{step}": late,
        f"{name}_ratio_at_{step}": late / early,
    }


@asynccontextmanager
async def threadkeep(settings: Settings, size: Size) -> AsyncIterator[Talk]:
    """Open threadkeep on the database of the settings."""
    async with open_memory(settings, model=FiftyWords()) as memory:

        async def turn(text: str) -> None:
            reply = await memory.say(text, thread="long", user_id="bench")
            await reply.finished()

        async def size_with_index() -> int:
            await memory.opened.store.index_pending()
            return await size()

        yield Talk(turn=turn, size=size_with_index)


@asynccontextmanager
async def on_sqlite() -> AsyncIterator[Talk]:
    """Open threadkeep on one SQLite file and embedded Chroma."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))

        async def size() -> int:
            # Count pages of the write-ahead log as pages of the file.
            await asyncio.to_thread(_truncate_log, settings.database)
            return await growth_stock.folder_size(Path(folder))

        async with threadkeep(settings, size) as talk:
            yield talk


@asynccontextmanager
async def on_postgres() -> AsyncIterator[Talk]:
    """Open threadkeep on PostgreSQL and embedded Chroma."""
    async with AsyncExitStack() as stack:
        url, relations = await stack.enter_async_context(schema())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        async def size() -> int:
            return await relations() + await growth_stock.folder_size(folder)

        settings = Settings(home=folder, checkpoints=parse_database(url))
        yield await stack.enter_async_context(threadkeep(settings, size))


@asynccontextmanager
async def plain() -> AsyncIterator[Talk]:
    """Open a chat that keeps its messages in the state, on LangGraph's own saver."""
    async with growth_stock.open_stock(growth_stock.plain) as (turn, size):
        yield Talk(turn=turn, size=size)


@asynccontextmanager
async def summarizing() -> AsyncIterator[Talk]:
    """Open LangChain's memory with SummarizationMiddleware, 40 messages down to 20."""
    async with growth_stock.open_stock(growth_stock.summarizing) as (turn, size):
        yield Talk(turn=turn, size=size)


def _truncate_log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@asynccontextmanager
async def schema() -> AsyncIterator[tuple[str, Size]]:
    """Yield the address of an empty schema, and a function for its size without dead rows."""
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
        last = max(
            (step for step in STEPS if f"{name}_bytes_in_all_at_{step}" in figures), default=0
        )
        if last <= YOUNG:
            continue
        met[f"{name}: ms a turn at {last:,} / at {YOUNG} <= 1.2"] = (
            figures[f"{name}_ms_ratio_at_{last}"] <= 1.2
        )
        late = figures.get(f"{name}_bytes_a_turn_at_{last}")
        if late is not None:
            figures[f"{name}_bytes_ratio"] = late / figures[f"{name}_bytes_a_turn_at_{STEPS[0]}"]
            target = f"{name}: bytes a turn at {last:,} / at {YOUNG} <= 1.2"
            met[target] = figures[f"{name}_bytes_ratio"] <= 1.2
        share = figures[f"{name}_bytes_in_all_at_{last}"] / last
        met[f"{name}: in all <= 8 kB a turn at {last:,}"] = share <= 8_000
    if "plain_bytes_in_all_at_1000" in figures and "sqlite_bytes_in_all_at_1000" in figures:
        times = figures["plain_bytes_in_all_at_1000"] / figures["sqlite_bytes_in_all_at_1000"]
        figures["plain_over_threadkeep_at_1000"] = times
        met["plain chat >= 100 times larger at 1,000"] = times >= 100
    return met


async def measure(turns: int, stock_turns: int, only: str | None) -> Figures:
    """Return all figures."""
    talks: dict[str, tuple[OpenTalk, int]] = {
        "sqlite": (on_sqlite, turns),
        "postgres": (on_postgres, turns),
        "plain": (plain, stock_turns),
        "summarizing": (summarizing, stock_turns),
    }
    figures: Figures = {}
    for name, (open_talk, long) in talks.items():
        if only in (None, name):
            figures |= await grow(open_talk, long, name)
    return figures


def main() -> None:
    """Measure in temporary folders and schemas."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turns", type=int, default=10_000)
    parser.add_argument("--stock-turns", type=int, default=1_000)
    parser.add_argument("--only", help="sqlite, postgres, plain or summarizing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"THREADKEEP_MODEL": "offline", "THREADKEEP_HOME": folder}
        figures = run(measure(options.turns, options.stock_turns, options.only))
    report("growth", figures, targets(figures), as_json=options.json)


if __name__ == "__main__":
    main()
