"""A turn that is cancelled at any moment releases its thread, and the next one is answered."""

import asyncio
import gc
from pathlib import Path

import pytest

from tests.backends import fresh_database
from threadkeep import Settings, open_memory
from threadkeep.base.database_url import parse_database
from threadkeep.graph.context import Context
from threadkeep.memory import Memory

MOMENTS = [0, 1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256]
"""Milliseconds after which a turn is cancelled: before its first word, in it, after it."""


async def say(memory: Memory, text: str) -> None:
    turn = await memory.say(text, thread="trip", user_id="ada")
    await turn.finished()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_turn_cancelled_at_any_moment_releases_its_thread(
    kind: str, tmp_path: Path
) -> None:
    async with fresh_database(kind) as url:
        settings = Settings(home=tmp_path, checkpoints=parse_database(url), model="offline")
        async with open_memory(settings) as memory:
            await say(memory, "I live in Bergen.")
            for milliseconds in MOMENTS:
                task = asyncio.create_task(say(memory, f"Message {milliseconds}."))
                await asyncio.sleep(milliseconds / 1000)
                while not task.done():
                    task.cancel()
                    await asyncio.sleep(0)
                async with asyncio.timeout(20):
                    await say(memory, f"After {milliseconds}.")
            texts = {row["text"] for row in await memory.messages("trip", user_id="ada")}
            assert {f"After {milliseconds}." for milliseconds in MOMENTS} <= texts


async def test_a_run_that_nobody_reads_releases_its_thread(tmp_path: Path) -> None:
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        run = await memory.start_run(Context(user_id="ada"), "trip", None)
        del run
        gc.collect()
        async with asyncio.timeout(10):
            await say(memory, "I live in Bergen.")
