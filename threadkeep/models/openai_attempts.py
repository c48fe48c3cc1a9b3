"""Deadlines and retries around any stream of chunks; knows nothing of HTTP."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from threadkeep.models.faults import CutShort, ModelFault, TooSlow

Stream = AsyncGenerator[ChatGenerationChunk, None]
T = TypeVar("T")
Explain = Callable[[Exception], ModelFault | None]
CUT_OFF = "cut_off"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a call may take, in seconds, and how often it is tried again."""

    total: float = 120.0
    """From the call to the last token, waits between attempts included."""
    idle: float = 30.0
    """Between two chunks; the first may take as long as `total`."""
    retries: int = 2
    first_pause: float = 0.5
    """Before the second attempt, give or take a quarter; twice as long before the third."""
    longest_wait: float = 20.0
    """A server that asks for more is not waited for."""


class Attempts:
    """One call: its clock, and how often it was tried."""

    def __init__(self, patience: Patience, explain: Explain) -> None:
        self.patience = patience
        self.explain = explain
        self._deadline = asyncio.get_running_loop().time() + patience.total
        self._failed = 0

    @property
    def remaining(self) -> float:
        """Seconds until the total deadline."""
        return self._deadline - asyncio.get_running_loop().time()

    async def wait_after(self, fault: ModelFault) -> None:
        """Sleep until the next attempt is due.

        Raises:
            ModelFault: `fault` itself, where there is no next attempt.
        """
        self._failed += 1
        doubled = self.patience.first_pause * 2 ** (self._failed - 1)
        jittered = doubled * random.uniform(0.75, 1.25)  # noqa: S311
        pause = jittered if fault.wait is None else fault.wait
        longest = min(self.patience.longest_wait, self.remaining)
        if not fault.retryable or self._failed > self.patience.retries or pause > longest:
            raise fault
        await asyncio.sleep(pause)

    def too_slow(self, idle: bool) -> TooSlow:
        """Return the sentence for a deadline that passed."""
        if idle:
            what = f"The model sent nothing for {self.patience.idle:g} s"
        else:
            what = f"The model did not finish its answer in {self.patience.total:g} s"
        return TooSlow(f"{what}; try again, or choose a faster model.")


async def whole(attempts: Attempts, call: Callable[[], Awaitable[T]]) -> T:
    """Return what `call` returns, within the total deadline, trying again where that may help."""
    while True:
        try:
            async with asyncio.timeout(attempts.remaining):
                return await call()
        except TimeoutError:
            fault: ModelFault = attempts.too_slow(idle=False)
        except Exception as error:
            explained = attempts.explain(error)
            if explained is None:
                raise
            fault = explained
        # Raised outside of `except`, so that no chained error can show a request's headers.
        await attempts.wait_after(fault)


async def streamed(attempts: Attempts, open_stream: Callable[[], Stream], keep: bool) -> Stream:
    """Yield the chunks of a stream; it is opened again only while nothing of it was shown.

    A stream that breaks after text was shown ends with a chunk whose finish reason is
    `CUT_OFF`: what came is kept. Without `keep`, and inside a tool call, the fault is raised.
    """
    while True:
        reading = _Reading(attempts, open_stream())
        async with aclosing(reading.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk
        if reading.fault is None:
            return
        if reading.text_shown and keep and not reading.calls_tools:
            yield _cut_off(reading.fault)
            return
        if reading.shown:
            raise reading.fault
        await attempts.wait_after(reading.fault)


class _Reading:
    """One opened stream, and what was seen of it."""

    def __init__(self, attempts: Attempts, stream: Stream) -> None:
        self.attempts, self.stream = attempts, stream
        self.fault: ModelFault | None = None
        self.text_shown = self.calls_tools = self.finished = False

    @property
    def shown(self) -> bool:
        return self.text_shown or self.calls_tools

    async def chunks(self) -> Stream:
        """Yield until the end or the first fault; chunks without content wait for the first with.

        A fault after the finish reason is none: only the usage is lost.
        """
        held: list[ChatGenerationChunk] = []
        first = True
        async with aclosing(self.stream):
            while (chunk := await self._next(first)) is not None:
                first = False
                self._note(chunk)
                held.append(chunk)
                if self.shown or self.finished:
                    for ready in held:
                        yield ready
                    held.clear()
        if self.finished:
            self.fault = None
        elif self.fault is None:
            what = "before its end" if self.shown else "before its first word"
            self.fault = CutShort(f"The model's answer stopped {what}; try again.")

    def _note(self, chunk: ChatGenerationChunk) -> None:
        message = chunk.message
        self.text_shown |= bool(chunk.text)
        self.calls_tools |= isinstance(message, AIMessageChunk) and bool(message.tool_call_chunks)
        info = chunk.generation_info or {}
        self.finished |= bool(info.get("finish_reason"))

    async def _next(self, first: bool) -> ChatGenerationChunk | None:
        """Return the next chunk; None at the end and at a fault, which is then kept."""
        remaining, patience = self.attempts.remaining, self.attempts.patience
        idle = not first and patience.idle < remaining
        try:
            async with asyncio.timeout(patience.idle if idle else remaining):
                return await anext(self.stream)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            self.fault = self.attempts.too_slow(idle)
        except Exception as error:
            if (fault := self.attempts.explain(error)) is None:
                raise
            self.fault = fault
        return None


def _cut_off(fault: ModelFault) -> ChatGenerationChunk:
    info = {"finish_reason": CUT_OFF, "cut_off_because": str(fault)}
    return ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info=info)
