"""Whether the answer waits for bookkeeping: `python -m benchmarks.first_token --json`.

200 turns with a model that takes 500 ms for every call, over HTTP, on the embedded databases.
Measured: the time from the user's message to the first token, with compactions and extractions. The
next message is sent when the bookkeeping of the one before is done, as a person reads first.
Between the turns the same server is called directly: the spread of these times is the noise of the
machine.
"""

import time
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from random import Random

from langchain_core.language_models import BaseChatModel

from benchmarks.report import main_over_turns, percentile
from benchmarks.scripted_thread import open_scripted, purpose_of_request
from benchmarks.turn import sentence
from tests.backends import say_options
from threadkeep.base.settings import Settings
from threadkeep.graph.context import Context
from threadkeep.memory import Memory, open_memory
from threadkeep.prompt.run_model import model_of
from threadkeep.testing import NO_FACTS

TURNS = 200
SECONDS = 0.5


async def turn(memory: Memory, context: Context, text: str) -> tuple[float, float]:
    """Return the seconds to the first token, and to the end of the bookkeeping."""
    began = time.perf_counter()
    first = 0.0
    under_way = await memory.say(text, thread="measured", **say_options(context))
    async for piece in under_way:
        if piece and not first:
            first = time.perf_counter() - began
    await under_way.finished()
    return first, time.perf_counter() - began


async def bare(model: BaseChatModel) -> float:
    """Return the milliseconds to the first token of the model alone."""
    began = time.perf_counter()
    async with aclosing(model.astream("hello")) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if chunk.text:
                break
    return (time.perf_counter() - began) * 1_000


async def measure(home: Path, turns: int) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    random = Random(7)
    firsts: list[float] = []
    wholes: list[float] = []
    alone: list[float] = []
    async with AsyncExitStack() as stack:
        thread = await stack.enter_async_context(open_scripted())
        address = thread.server.base_url
        settings = Settings(home=home, model="openai/scripted", openai_base_url=address)
        memory = await stack.enter_async_context(open_memory(settings))
        thread.replies = lambda request: sentence(random, 30)
        thread.summarise = lambda request: sentence(random, 60)
        thread.extract = lambda request: NO_FACTS
        context = Context(user_id="bench")
        await turn(memory, context, "Hello.")
        thread.server.requests.clear()
        thread.server.delay_first = SECONDS
        before_answer = []
        for number in range(turns):
            start = len(thread.server.requests)
            first, whole = await turn(memory, context, f"{number}. {sentence(random, 30)}?")
            before_answer.append(purpose_of_request(thread.server.requests[start]) != "answer")
            firsts.append(first * 1_000)
            wholes.append(whole * 1_000)
            alone.append(await bare(await model_of(context, memory.opened.store)))
        compactions = len(thread.summaries)
    median = percentile(firsts, 0.5)
    figures = {
        "turns": float(turns),
        "summaries": float(compactions),
        "calls_before_the_answer": float(sum(before_answer)),
        "first_token_p50_ms": median,
        "first_token_p95_ms": percentile(firsts, 0.95),
        "first_token_max_ms": max(firsts),
        "whole_turn_p50_ms": percentile(wholes, 0.5),
        "max_to_median": max(firsts) / median,
        "model_alone_p50_ms": percentile(alone, 0.5),
        "model_alone_max_to_median": max(alone) / percentile(alone, 0.5),
    }
    met = {
        "worst first token <= 1.1 x median": figures["max_to_median"] <= 1.1,
        "no call before the answer": not any(before_answer),
        "several compactions": compactions >= 5,
    }
    return figures, met


if __name__ == "__main__":
    main_over_turns("first_token", __doc__, measure, TURNS)
