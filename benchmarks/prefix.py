"""The share of each prompt that a provider can cache: `python -m benchmarks.prefix --json`.

One thread of 1,000 turns, once without recall and once with up to 1,000 recalled tokens in the
prompt; the figure is the share of all prompt tokens that are identical to the start of the prompt
before. The model is scripted and answers over HTTP; the summariser answers with 400 words.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.report import main_over_turns
from benchmarks.scripted_thread import ScriptedThread, open_scripted
from benchmarks.turn import sentence
from threadkeep.base.settings import Settings
from threadkeep.base.token_encoding import encode
from threadkeep.knowledge.stored_messages import StoredMessage, store_messages
from threadkeep.stores.hybrid import HybridStore, open_store
from threadkeep.stores.namespaces import user_key

TURNS = 1_000
STORED = 2_000
QUESTION, ANSWER, SUMMARY = 20, 60, 150
"""Words of a question, of an answer, of a summary; made-up words take about two tokens each."""
USER = "bench"

Prompt = Sequence[dict[str, Any]]


@lru_cache(maxsize=20_000)
def _encoded(role: str, content: str) -> tuple[int, ...]:
    return tuple(encode(f"<{role}>{content}"))


def tokens(prompt: Prompt) -> list[int]:
    """Return the prompt as one list of tokens."""
    return [token for m in prompt for token in _encoded(m["role"], str(m["content"]))]


def cached_share(prompts: Sequence[Prompt]) -> float:
    """Return the share of tokens that equal the start of the prompt before, from the second on."""
    same = total = 0
    before = tokens(prompts[0])
    for prompt in prompts[1:]:
        now = tokens(prompt)
        differs = (n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b)
        same += next(differs, min(len(before), len(now)))
        total += len(now)
        before = now
    return same / total


async def talk(thread: ScriptedThread, memory: str, turns: int) -> dict[str, float]:
    """Return the figures of one thread of `turns` turns."""
    random = Random(7)
    thread.context = {"user_id": USER, "memory": memory}
    thread.name = memory
    thread.replies = lambda request: sentence(random, ANSWER)
    thread.summarise = lambda request: sentence(random, SUMMARY)
    thread.server.requests.clear()
    recalled: list[int] = []
    largest = 0
    for number in range(turns):
        output = await thread.say(f"{number}. {sentence(random, QUESTION)}?")
        ledger = output["ledger"]
        recalled.append(ledger["memories"] + ledger["entities"] + ledger["facts"])
        largest = max(largest, ledger["prompt"])
    prompts = thread.prompts
    return {
        "share": cached_share(prompts),
        "compactions": float(len(thread.summaries)),
        "tokens_mean": sum(len(tokens(p)) for p in prompts) / len(prompts),
        "tokens_max": float(largest),
        "recalled_mean": sum(recalled) / turns,
        "recalled_max": float(max(recalled)),
        "recalling_turns": sum(a < b for a, b in pairwise(recalled)) / turns,
    }


async def fill(store: HybridStore, count: int) -> None:
    """Store messages of earlier conversations, so that every turn can recall some."""
    random = Random(3)
    owner = await user_key(store, USER)
    messages: list[StoredMessage] = []
    for number in range(count):
        at = f"2025-{1 + number % 12:02}-{1 + number % 28:02}T10:00:00+00:00"
        messages.append(
            {
                "id": f"filled-{number}",
                "role": "user",
                "text": sentence(random, 30),
                "position": number,
                "time": at,
                "recorded_at": at,
                "before": "",
                "thread": f"filled-{number // 100}",
            }
        )
    await store_messages(store, owner, messages)
    await store.index_pending()


async def measure(home: Path, turns: int) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    figures: dict[str, float] = {}
    async with open_store(Settings(home=home)) as store:
        await fill(store, STORED)
        async with open_scripted(store) as thread:
            for memory in ("progressive", "hybrid"):
                results = await talk(thread, memory, turns)
                figures |= {f"{memory}_{name}": value for name, value in results.items()}
    met = {
        "without recall >= 0.90": figures["progressive_share"] >= 0.90,
        "with recall >= 0.80": figures["hybrid_share"] >= 0.80,
        "budget of 8,000 kept": max(figures["progressive_tokens_max"], figures["hybrid_tokens_max"])
        <= 7_000,
    }
    return figures, met


if __name__ == "__main__":
    main_over_turns("prefix", __doc__, measure, TURNS)
