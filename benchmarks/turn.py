"""The cost of a turn beside the model: `python -m benchmarks.turn --json`.

A user with 10,000 stored messages talks. Measured: our own time from the user's message to the call
of the model, beside that of as many empty LangGraph nodes, turn by turn; the whole turn, the
start-up time of `--help` and of the prompt, and memory.
"""

import argparse
import asyncio
import os
import pty
import resource
import subprocess
import sys
import tempfile
import time
from contextvars import ContextVar
from itertools import accumulate, count
from pathlib import Path
from random import Random
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tracers.context import register_configure_hook
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import MessagesState, StateGraph

from benchmarks.report import percentile, report
from threadkeep.base.settings import Settings
from threadkeep.graph.agent import builder as graph_builder
from threadkeep.knowledge.stored_messages import StoredMessage, store_messages
from threadkeep.memory import Memory, open_memory
from threadkeep.process import freeze_loaded_objects, run
from threadkeep.search.stop_words import ENGLISH_STOP_WORDS
from threadkeep.stores.namespaces import thread_id, user_key

MODEL_CALL: ContextVar["ModelCallTimer | None"] = ContextVar("model_call", default=None)
register_configure_hook(MODEL_CALL, inheritable=True)
STORED = 10_000
TURNS = 200
FUNCTION_WORDS = "the of and to a in I that it was for my on with at had we but not this".split()
SYLLABLES = "ba chen dor el fi gra hu in jo ka lem mo nar o pel qui ras si tor un ve wa xi".split()


def vocabulary(size: int = 5_000) -> list[str]:
    """Return made-up words."""
    random = Random(1)
    return ["".join(random.choices(SYLLABLES, k=random.randint(2, 4))) for _ in range(size)]


VOCABULARY = vocabulary()
# Zipf's law: the n-th most frequent word of a language is about 1/n as frequent as the first. The
# first ranks are function words; the vocabulary begins after them.
FREQUENCY = list(
    accumulate(1 / (len(ENGLISH_STOP_WORDS) + n) for n in range(1, len(VOCABULARY) + 1))
)


def sentence(random: Random, words: int) -> str:
    """Return a made-up message of `words` words, half of them function words, as in English."""
    content_words = random.choices(VOCABULARY, cum_weights=FREQUENCY, k=words - words // 2)
    text = content_words + random.choices(FUNCTION_WORDS, k=words // 2)
    random.shuffle(text)
    return " ".join(text)


async def fill(memory: Memory, user: str, count: int, random: Random) -> None:
    """Store `count` messages for `user` in threads of 100, vectors included."""
    owner = await user_key(memory.opened.store, user)
    batch: list[StoredMessage] = []
    before = ""
    for number in range(count):
        text = sentence(random, 50)
        at = f"2025-{1 + number * 12 // count:02}-{1 + number % 28:02}T10:00:00+00:00"
        batch.append(
            {
                "id": f"filled-{user}-{number}",
                "role": "user" if number % 2 == 0 else "assistant",
                "text": text,
                "position": number % 100,
                "time": at,
                "recorded_at": at,
                "before": before,
                "thread": thread_id(owner, f"filled {number // 100}"),
            }
        )
        before = text
        if len(batch) == 500:
            await store_messages(memory.opened.store, owner, batch)
            batch.clear()
    await store_messages(memory.opened.store, owner, batch)
    await memory.opened.store.index_pending()


class ModelCallTimer(BaseCallbackHandler):
    """Records when a model is first called after `reset`."""

    ignore_chain = True
    at = 0.0

    def reset(self) -> None:
        """Forget the call of the turn before."""
        self.at = 0.0

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        """Record the time of the call."""
        self.at = self.at or time.perf_counter()


class BareGraph:
    """LangGraph alone: as many empty nodes as the agent has, on LangGraph's own SQLite saver."""

    def __init__(self, saver: AsyncSqliteSaver) -> None:
        self._called_at = 0.0
        bare = StateGraph(MessagesState)
        for name in graph_builder.nodes:
            bare.add_node(name, self._call if name == "call_model" else _empty)
        for start, end in graph_builder.edges:
            bare.add_edge(start, end)
        self._graph = bare.compile(checkpointer=saver)

    async def turn(self, thread: str) -> float:
        """Run a turn; return the milliseconds before the node that would call the model."""
        config: RunnableConfig = {"configurable": {"thread_id": thread}}
        began = time.perf_counter()
        async for _ in self._graph.astream(
            {"messages": [HumanMessage("What about it?")]},
            config,
            stream_mode=["messages", "updates"],
            durability="sync",
        ):
            pass
        return (self._called_at - began) * 1000

    async def _call(self, state: MessagesState) -> dict[str, Any]:
        self._called_at = time.perf_counter()
        return {"messages": [AIMessage("Noted.")]}


async def _empty(state: MessagesState) -> dict[str, Any]:
    return {}


async def turns(
    memory: Memory, user: str, count: int, random: Random, bare: BareGraph
) -> dict[str, list[float]]:
    """Return milliseconds before the model, of the whole turn, and of a bare turn beside each."""
    times: dict[str, list[float]] = {"before_model": [], "whole": [], "bare": []}
    timer = ModelCallTimer()
    MODEL_CALL.set(timer)
    for number in range(count):
        thread = f"measured {number // 20}"
        times["bare"].append(await bare.turn(thread))
        timer.reset()
        began = time.perf_counter()
        turn = await memory.say(f"What about {sentence(random, 14)}?", thread=thread, user_id=user)
        await turn.finished()
        ended = time.perf_counter()
        # Embed while the person reads the answer.
        await memory.opened.store.index_pending()
        times["before_model"].append((timer.at - began) * 1000)
        times["whole"].append((ended - began) * 1000)
    return times


def short_answers() -> GenericFakeChatModel:
    """Return a model that answers at once, in one word; nothing can be extracted from it."""
    return GenericFakeChatModel(messages=(AIMessage("Noted.") for _ in count()))


def help_seconds() -> float:
    """Return the seconds that `threadkeep --help` takes, the best of five."""
    best = 9.0
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from threadkeep.cli.app import main; main()", "--help"],
            check=True,
            capture_output=True,
        )
        best = min(best, time.perf_counter() - began)
    return best


def prompt_seconds(home: Path) -> float:
    """Return the seconds until the chat shows its prompt, the best of three."""
    best = 9.0
    for _ in range(3):
        master, slave = pty.openpty()
        env = {**os.environ, "THREADKEEP_HOME": str(home)}
        began = time.perf_counter()
        chat = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from threadkeep.cli.app import main; main()",
                "chat",
                "-u",
                "bench",
            ],
            stdin=slave,
            stdout=slave,
            stderr=subprocess.DEVNULL,
            env=env,
        )
        output = b""
        while b"> " not in output:
            output += os.read(master, 1024)
        best = min(best, time.perf_counter() - began)
        os.write(master, b"/quit\n")
        chat.wait(60)
        os.close(master)
        os.close(slave)
    return best


async def measure(home: Path) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    random = Random(7)
    async with (
        AsyncSqliteSaver.from_conn_string(str(home / "bare.sqlite")) as saver,
        open_memory(Settings(home=home), model=short_answers()) as memory,
    ):
        bare = BareGraph(saver)
        await fill(memory, "bench", STORED, random)
        await turns(memory, "bench", 20, random, bare)
        freeze_loaded_objects(again=True)  # As the terminal and the servers do.
        times = await turns(memory, "bench", TURNS, random, bare)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "before_model_p50_ms": percentile(times["before_model"], 0.50),
        "before_model_p95_ms": percentile(times["before_model"], 0.95),
        "whole_turn_p50_ms": percentile(times["whole"], 0.50),
        "whole_turn_p95_ms": percentile(times["whole"], 0.95),
        "bare_langgraph_before_model_p50_ms": percentile(times["bare"], 0.50),
        "before_model_over_bare": percentile(times["before_model"], 0.50)
        / percentile(times["bare"], 0.50),
        "help_s": await asyncio.to_thread(help_seconds),
        "prompt_s": await asyncio.to_thread(prompt_seconds, home),
        "memory_mb": megabytes,
    }
    met = {
        "before_model over bare LangGraph <= 2.0": figures["before_model_over_bare"] <= 2.0,
        "help <= 0.3 s": figures["help_s"] <= 0.3,
        "prompt <= 1.0 s": figures["prompt_s"] <= 1.0,
        "memory <= 400 MB": figures["memory_mb"] <= 400,
    }
    return figures, met


def main() -> None:
    """Measure in a temporary data folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"THREADKEEP_MODEL": "offline", "THREADKEEP_HOME": folder}
        figures, met = run(measure(Path(folder)))
    report("turn", figures, met, as_json=as_json)


if __name__ == "__main__":
    main()
