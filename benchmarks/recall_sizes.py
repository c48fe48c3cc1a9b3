"""How long a search takes among 10,000 and 100,000 messages of one user."""

import asyncio
import time
from pathlib import Path
from random import Random

from benchmarks.report import percentile
from benchmarks.turn import fill, sentence
from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory
from threadkeep.stores.hybrid import HybridStore
from threadkeep.stores.namespaces import all_messages_of, user_key

SIZES, QUERIES, WARM_UP = (10_000, 100_000), 100, 10
WORDS, LIMIT = 8, 33
"""Words of a query, and how many messages a budget of 1,000 tokens requests."""


async def measure_sizes(folder: Path, embeddings: str) -> dict[str, float]:
    """Return the median and the 95th percentile of a query's milliseconds by size."""
    figures: dict[str, float] = {}
    for size in SIZES:
        random = Random(7)
        settings = Settings(home=folder / str(size), model="offline", embeddings=embeddings)
        async with open_memory(settings) as memory:
            await fill(memory, "bench", size, random)
            owner = await user_key(memory.opened.store, "bench")
            namespace, milliseconds = all_messages_of(owner), list[float]()
            while not await _is_loaded(memory.opened.store, owner):  # noqa: ASYNC110  (a thread loads it)
                await asyncio.sleep(0.1)
            for number in range(WARM_UP + QUERIES):
                query = f"What about {sentence(random, WORDS)}?"
                start = time.perf_counter()
                await memory.opened.store.asearch(namespace, query=query, limit=LIMIT)
                if number >= WARM_UP:
                    milliseconds.append((time.perf_counter() - start) * 1000)
        figures[f"ms_per_query_at_{size}"] = percentile(milliseconds, 0.50)
        figures[f"ms_per_query_at_{size}_p95"] = percentile(milliseconds, 0.95)
    return figures


async def _is_loaded(store: HybridStore, owner: str) -> bool:
    """Return whether the memory index is loaded: a large one loads after the first search."""
    async with store.indexes.open_index(owner) as index:
        return index is not None
